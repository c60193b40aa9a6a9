namespace Demo { public static class Greeting { public static string Of(string name) { var text = "Hello, " + name; return text; } } }
