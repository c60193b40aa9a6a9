namespace Acme
{
    public static class Polite
    {
        public static string Words => Greeting.Words + "@PUNCTUATION@";
    }
}
