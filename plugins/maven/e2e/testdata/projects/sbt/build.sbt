organization := "com.example"
name := "greeter"
version := sys.env("VERSION")
scalaVersion := "2.12.21"
Compile / packageDoc / publishArtifact := false

// What it resolves from is in the file of repositories that sbt is started with.
libraryDependencies ++= sys.env.get("DEPENDENCY").toSeq.map("com.example" %% "greeter" % _)
publishTo := Some(("registry" at sys.env("PROJECT")).withAllowInsecureProtocol(true))
publishMavenStyle := true
credentials += Credentials("GitLab Packages Registry", "127.0.0.1", sys.env("USERNAME"), sys.env("REGISTRY_TOKEN"))
