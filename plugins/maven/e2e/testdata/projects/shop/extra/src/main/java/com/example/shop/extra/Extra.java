package com.example.shop.extra;

import com.example.shop.Shop;

public final class Extra {
    private Extra() {}

    public static String greet() {
        return Shop.greet() + "!";
    }
}
