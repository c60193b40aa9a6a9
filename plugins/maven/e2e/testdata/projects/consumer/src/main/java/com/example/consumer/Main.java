package com.example.consumer;

import com.example.shop.Shop;
import com.example.shop.extra.Extra;

public final class Main {
    private Main() {}

    public static void main(String[] args) {
        System.out.println(Shop.greet() + ", " + Extra.greet());
    }
}
