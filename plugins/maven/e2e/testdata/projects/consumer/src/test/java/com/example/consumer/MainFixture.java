package com.example.consumer;

import com.example.shop.ShopFixture;

public final class MainFixture {
    static final String EXPECTED = ShopFixture.EXPECTED;
}
