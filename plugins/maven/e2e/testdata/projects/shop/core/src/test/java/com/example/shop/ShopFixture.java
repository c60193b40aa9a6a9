package com.example.shop;

public final class ShopFixture {
    public static final String EXPECTED = "Welcome to the shop";

    private ShopFixture() {}
}
