namespace Acme
{
    public static class Greeting
    {
        public static string Words => "@WORDS@";
    }
}
