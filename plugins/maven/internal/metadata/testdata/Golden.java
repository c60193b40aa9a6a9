import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.maven.artifact.repository.metadata.Metadata;
import org.apache.maven.artifact.repository.metadata.Plugin;
import org.apache.maven.artifact.repository.metadata.Snapshot;
import org.apache.maven.artifact.repository.metadata.SnapshotVersion;
import org.apache.maven.artifact.repository.metadata.Versioning;
import org.apache.maven.artifact.repository.metadata.io.xpp3.MetadataXpp3Reader;
import org.apache.maven.artifact.repository.metadata.io.xpp3.MetadataXpp3Writer;

/**
 * Writes the golden files with Maven's own writer, and reads them with its own reader.
 *
 * <pre>
 * javac -cp maven-repository-metadata-3.9.11.jar -d out Golden.java
 * java -cp maven-repository-metadata-3.9.11.jar:plexus-utils-3.6.0.jar:out Golden
 * </pre>
 */
public class Golden {
    private static final String UPDATED = "20250311083409";

    public static void main(String[] args) throws Exception {
        write("artifact.xml", artifact());
        Metadata group = new Metadata();
        addPlugins(group);
        write("group.xml", group);
        Metadata both = artifact();
        addPlugins(both);
        write("both.xml", both);
        write("snapshot.xml", snapshot());
    }

    private static Metadata artifact() {
        Versioning versioning = new Versioning();
        versioning.setLatest("1.11-SNAPSHOT");
        versioning.setRelease("1.10");
        for (String version : new String[] {"0.9", "1", "1.0", "1.9", "1.10-rc1", "1.10", "1.11-SNAPSHOT"}) {
            versioning.addVersion(version);
        }
        versioning.setLastUpdated(UPDATED);
        Metadata metadata = new Metadata();
        metadata.setGroupId("com.example");
        metadata.setArtifactId("app");
        metadata.setVersioning(versioning);
        return metadata;
    }

    private static void addPlugins(Metadata metadata) {
        addPlugin(metadata, null, "example", "another-maven-plugin");
        addPlugin(metadata, "Example & <Plugin \"\u00e9\"", "example", "example-maven-plugin");
        addPlugin(metadata, "Second", "zoo", "zoo-maven-plugin");
    }

    private static void addPlugin(Metadata metadata, String name, String prefix, String artifactId) {
        Plugin plugin = new Plugin();
        plugin.setName(name);
        plugin.setPrefix(prefix);
        plugin.setArtifactId(artifactId);
        metadata.addPlugin(plugin);
    }

    private static Metadata snapshot() {
        Snapshot newest = new Snapshot();
        newest.setTimestamp("20250311.083409");
        newest.setBuildNumber(2);
        Versioning versioning = new Versioning();
        versioning.setSnapshot(newest);
        versioning.setLastUpdated(UPDATED);
        addFile(versioning, "", "jar", "1.1-20250311.083409-2", UPDATED);
        addFile(versioning, "", "pom", "1.1-20250311.083409-2", UPDATED);
        addFile(versioning, "docs", "jar", "1.1-20250310.000000-1", "20250311073409");
        addFile(versioning, "sources", "jar", "1.1-20250311.083409-2", UPDATED);
        Metadata metadata = new Metadata();
        metadata.setModelVersion("1.1.0");
        metadata.setGroupId("com.example");
        metadata.setArtifactId("app");
        metadata.setVersion("1.1-SNAPSHOT");
        metadata.setVersioning(versioning);
        return metadata;
    }

    private static void addFile(Versioning versioning, String classifier, String extension, String value, String updated) {
        SnapshotVersion file = new SnapshotVersion();
        file.setClassifier(classifier);
        file.setExtension(extension);
        file.setVersion(value);
        file.setUpdated(updated);
        versioning.addSnapshotVersion(file);
    }

    private static void write(String name, Metadata metadata) throws Exception {
        try (OutputStream out = new FileOutputStream(name)) {
            new MetadataXpp3Writer().write(out, metadata);
        }
        try (InputStream in = new FileInputStream(name)) {
            new MetadataXpp3Reader().read(in, true);
        }
    }
}
