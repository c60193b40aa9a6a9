import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.apache.maven.artifact.versioning.ComparableVersion;

/**
 * Writes vectors.txt: pairs of versions, and how Maven's own ComparableVersion compares them.
 *
 * <pre>
 * javac -cp maven-artifact-3.9.11.jar -d out Vectors.java
 * java -Dfile.encoding=UTF-8 -cp maven-artifact-3.9.11.jar:out Vectors 3.9.11 > vectors.txt
 * </pre>
 */
public class Vectors {
    private static final String[] KNOWN = {
        "", "0", "1", "1.0", "1.0.0", "1-0", "1.", "1-", "1..", "1--", "1.1", "1.01", "1.10", "1.2", "1-1", "1-1.1", "1.0-1",
        "1-ga", "1.ga", "1-final", "1-release", "1-GA", "1-sp", "1-sp1", "1-sp-1", "1-a", "1-a1", "1-alpha", "1-alpha-1", "1-alpha1",
        "1-alpha2", "1-b", "1-b2", "1-beta", "1-m", "1-m1", "1-m3", "1-milestone-3", "1-rc", "1-rc1", "1-cr1", "1-CR1", "1-SNAPSHOT",
        "1-snapshot", "1.0-SNAPSHOT", "1.0-alpha-1-SNAPSHOT", "1-abc", "1-xyz", "1-foo2", "1-foo10", "1.0.RC2", "1.0-RC3", "1.0.1",
        "2.0-1", "2.0.1", "1.0.0.RC1", "1.0.0-RC1", "1.0.X1", "1.0-X2", "1_0", "1+build", "18-ea+1", "1.0+20", "1.2.3.Final",
        "2.0.0-M1", "31.1-jre", "31.1-android", "r09", "20250311.083409", "1.0-20250311.083409-1", "1.0-20250311.083409-12",
        "999999999", "1000000000", "999999999999999999", "1000000000000000000", "99999999999999999999999999", "000000000000000000000001",
        "SNAPSHOT", "LATEST", "x", "x1", "1x", "1x1", "alpha", "a1", "sp", "ga", "1.ga.1", "1.0.alpha.1", "1.ga.sp.1", "1-0.alpha",
        "1.0.final.1", "0.0.0", "-", ".", "-1", ".1", "1-\u0661", "1.\u0660", "\u0661", "\uff11", "1.\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u06601",
        "1-\u00e9", "1-\u00c9", "1-\ud835\udfce", "1-\ue000"
    };

    private static final String[] PARTS = {
        ".", "-", "..", "--", ".-", "-.", "_", "+", "0", "00", "1", "01", "2", "9", "10", "007", "999999999", "1000000000",
        "0000000000000000000", "1234567890123456789012345", "a", "A", "b", "m", "M", "alpha", "ALPHA", "beta", "milestone", "rc",
        "RC", "cr", "Cr", "snapshot", "SNAPSHOT", "Snapshot", "ga", "GA", "final", "Final", "release", "sp", "SP", "x", "X", "foo",
        "alph", "alphab", "spx", "zz", "\u0663", "\u0966"
    };

    public static void main(String[] args) {
        PrintStream out = System.out;
        out.print("# Made by Vectors.java with org.apache.maven:maven-artifact:" + args[0] + ".\n");
        out.print("# Each line: a version, how it compares (<, = or >), a version; with tabs between.\n");
        Set<String> lines = new LinkedHashSet<>();
        for (int i = 0; i < KNOWN.length; i++) {
            for (int j = i; j < KNOWN.length; j++) {
                add(lines, KNOWN[i], KNOWN[j]);
            }
        }
        Random random = new Random(1);
        List<String> made = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            made.add(make(random));
        }
        for (int i = 0; i < made.size(); i++) {
            String version = made.get(i);
            add(lines, version, made.get(random.nextInt(made.size())));
            add(lines, version, change(random, version));
            add(lines, change(random, version), change(random, version));
        }
        lines.forEach(line -> out.print(line + "\n"));
        out.flush();
    }

    private static void add(Set<String> lines, String a, String b) {
        int compared = new ComparableVersion(a).compareTo(new ComparableVersion(b));
        lines.add(a + '\t' + (compared < 0 ? '<' : compared > 0 ? '>' : '=') + '\t' + b);
    }

    /** Returns a version of up to eight parts, half of which look like versions. */
    private static String make(Random random) {
        StringBuilder version = new StringBuilder(random.nextBoolean() ? "1" : "");
        for (int n = 1 + random.nextInt(8); n > 0; n--) {
            if (random.nextBoolean()) {
                version.append(random.nextBoolean() ? '.' : '-');
            }
            version.append(part(random));
        }
        return version.toString();
    }

    /** Returns the version with a little of it replaced, taken out or put in. */
    private static String change(Random random, String version) {
        int from = random.nextInt(version.length() + 1);
        int to = Math.min(version.length(), from + random.nextInt(3));
        return version.substring(0, from) + (random.nextInt(3) == 0 ? "" : part(random)) + version.substring(to);
    }

    private static String part(Random random) {
        return PARTS[random.nextInt(PARTS.length)];
    }
}
