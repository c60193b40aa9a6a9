package com.example.shop;

/** A shop. */
public final class Shop {
    private Shop() {}

    /**
     * Greets.
     *
     * @return what it says
     */
    public static String greet() {
        return "Welcome to the shop";
    }
}
