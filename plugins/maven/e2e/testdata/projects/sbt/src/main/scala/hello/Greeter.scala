package hello

object Greeter {
  def main(args: Array[String]): Unit = println("@WORDS@")
}
