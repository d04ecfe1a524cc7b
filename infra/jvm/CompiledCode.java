package lakehouse;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.encoders.HashableWeakReference;
import org.apache.spark.sql.catalyst.expressions.codegen.ByteCodeStats;
import org.apache.spark.sql.catalyst.expressions.codegen.CodeAndComment;
import org.apache.spark.sql.catalyst.expressions.codegen.CodeGenerator$;
import org.apache.spark.sql.catalyst.expressions.codegen.GeneratedClass;
import org.apache.spark.util.NonFateSharingLoadingCache;
import org.apache.spark.util.Utils;
import org.codehaus.commons.compiler.util.reflect.ByteArrayClassLoader;
import org.sparkproject.guava.cache.CacheLoader;
import scala.Tuple2;

/**
 * Compiled code that outlives its JVM. Spark generates nearly the same code for our queries in every run, and compiling it is a
 * tenth of a run. This stands where Spark's cache of compiled code asks for what it lacks, has only that compiled which no run
 * before had compiled, and keeps it in a folder, a file for each text. Since Spark 4.2 the cache asks twice, for the class loader of
 * the driver and for that of the tasks; here one answer serves both.
 *
 * <p>System property: {@code lakehouse.compiled}, the folder.
 */
public final class CompiledCode extends CacheLoader<Tuple2<HashableWeakReference, CodeAndComment>, Tuple2<GeneratedClass, ByteCodeStats>> {
    /** With so many texts nothing is added: a run asks for some hundred, so most of these were never asked for again. */
    private static final int MOST = 10_000;
    private static final String GENERATED = "org.apache.spark.sql.catalyst.expressions.GeneratedClass";
    private static final HashableWeakReference ANY_LOADER = new HashableWeakReference(CodeGenerator$.class.getClassLoader());
    private static final String[] IN_NAMES_OF_PARTS = {"_doAggregate_", "_subExpr_"};

    private final NonFateSharingLoadingCache<Tuple2<HashableWeakReference, CodeAndComment>, Tuple2<GeneratedClass, ByteCodeStats>> cache;
    private final CacheLoader<Tuple2<HashableWeakReference, CodeAndComment>, Tuple2<GeneratedClass, ByteCodeStats>> compiler;
    private final Path folder;
    private volatile boolean keeps;

    /** Stand before the compiler, in a JVM that was told of a folder. */
    @SuppressWarnings("unchecked")
    public static synchronized void remember() throws ReflectiveOperationException {
        String folder = System.getProperty("lakehouse.compiled");
        if (folder == null) {
            return;
        }
        var cache = (NonFateSharingLoadingCache<Tuple2<HashableWeakReference, CodeAndComment>, Tuple2<GeneratedClass, ByteCodeStats>>)
                field(CodeGenerator$.class, "cache").get(null);
        Object local = field(cache.loadingCache().getClass().getSuperclass(), "localCache").get(cache.loadingCache());
        Field loader = field(local.getClass(), "defaultLoader");
        var compiler = (CacheLoader<Tuple2<HashableWeakReference, CodeAndComment>, Tuple2<GeneratedClass, ByteCodeStats>>) loader.get(local);
        if (!(compiler instanceof CompiledCode)) {
            // Code that was compiled against other jars may not run with these.
            loader.set(local, new CompiledCode(cache, compiler, Path.of(folder, jars())));
        }
    }

    private CompiledCode(
            NonFateSharingLoadingCache<Tuple2<HashableWeakReference, CodeAndComment>, Tuple2<GeneratedClass, ByteCodeStats>> cache,
            CacheLoader<Tuple2<HashableWeakReference, CodeAndComment>, Tuple2<GeneratedClass, ByteCodeStats>> compiler,
            Path folder) {
        this.cache = cache;
        this.compiler = compiler;
        this.folder = folder;
        folder.toFile().mkdirs();
        String[] kept = folder.toFile().list();
        // An installation that this user can't write to is used as it is.
        this.keeps = kept != null && kept.length < MOST && Files.isWritable(folder);
    }

    @Override
    public Tuple2<GeneratedClass, ByteCodeStats> load(Tuple2<HashableWeakReference, CodeAndComment> key) throws Exception {
        if (!key._1().equals(ANY_LOADER)) {
            return cache.get(new Tuple2<>(ANY_LOADER, key._2()));
        }
        Path file = folder.resolve(digest(inOneOrder(key._2().body())));
        if (file.toFile().exists()) {
            try {
                return read(Files.readAllBytes(file));
            } catch (IOException | ReflectiveOperationException | LinkageError broken) {
                System.err.println("warning: Spark's code is compiled anew, since " + file + " is broken: " + broken);
            }
        }
        Tuple2<GeneratedClass, ByteCodeStats> compiled = compiler.load(key);
        if (keeps) {
            keep(file, written(compiled));
        }
        return compiled;
    }

    private void keep(Path file, byte[] content) {
        try {
            // Never half a file, and none that another JVM writes at the same time.
            Path part = Files.createTempFile(folder, "", ".part");
            Files.write(part, content);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException error) {
            keeps = false;
            System.err.println("warning: compiled code is not kept: " + error);
        }
    }

    /**
     * Spark lists the parameters of the parts of a long method in the order of a hash set, which differs from run to run. Where a
     * part and all its calls name the same variables in the same order, that order means nothing: here it is that of their names.
     */
    static String inOneOrder(String code) {
        Collection<Part> parts = parts(code);
        Map<String, String> variables = parts.stream().collect(Collectors.toMap(
                part -> part.name(code), part -> variables(part.parameters(code)), (one, other) -> one.equals(other) ? one : ""));
        StringBuilder ordered = new StringBuilder(code.length());
        int done = 0;
        for (Part part : parts) {
            if (!variables.get(part.name(code)).isEmpty()) {
                ordered.append(code, done, part.open + 1).append(sorted(part.parameters(code)));
                done = part.close;
            }
        }
        return ordered.append(code, done, code.length()).toString();
    }

    /** Where `name(parameters)` of a part stands, its method or a call, in the order of the text. */
    private record Part(int start, int open, int close) {
        String name(String code) {
            return code.substring(start, open);
        }

        String parameters(String code) {
            return code.substring(open + 1, close);
        }
    }

    /** The parts in a text, without those that call something among their parameters. */
    private static Collection<Part> parts(String code) {
        Map<Integer, Part> found = new TreeMap<>();
        for (String inName : IN_NAMES_OF_PARTS) {
            for (int at = code.indexOf(inName); at >= 0; at = code.indexOf(inName, at + 1)) {
                int start = at;
                while (start > 0 && Character.isJavaIdentifierPart(code.charAt(start - 1))) {
                    start--;
                }
                int open = at;
                while (open < code.length() && Character.isJavaIdentifierPart(code.charAt(open))) {
                    open++;
                }
                int close = code.indexOf(')', open);
                if (code.startsWith("(", open) && close > open && code.lastIndexOf('(', close) == open) {
                    found.put(start, new Part(start, open, close));
                }
            }
        }
        return found.values();
    }

    private static String variables(String parameters) {
        return parameters(parameters).map(CompiledCode::variable).collect(Collectors.joining(","));
    }

    private static String sorted(String parameters) {
        return parameters(parameters).sorted(Comparator.comparing(CompiledCode::variable)).collect(Collectors.joining(","));
    }

    private static Stream<String> parameters(String parameters) {
        return Arrays.stream(parameters.split(",")).map(String::strip);
    }

    /** The name in `type name`, or in a call's `name`. */
    private static String variable(String parameter) {
        return parameter.substring(parameter.lastIndexOf(' ') + 1);
    }

    private static Tuple2<GeneratedClass, ByteCodeStats> read(byte[] bytes) throws IOException, ReflectiveOperationException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
        ByteCodeStats stats = new ByteCodeStats(in.readInt(), in.readInt(), in.readInt());
        Map<String, byte[]> classes = new HashMap<>();
        for (int left = in.readInt(); left > 0; left--) {
            classes.put(in.readUTF(), in.readNBytes(in.readInt()));
        }
        return new Tuple2<>((GeneratedClass) new Own(classes).loadClass(GENERATED).getConstructor().newInstance(), stats);
    }

    @SuppressWarnings("unchecked")
    private static byte[] written(Tuple2<GeneratedClass, ByteCodeStats> compiled) throws IOException, ReflectiveOperationException {
        var classes = (Map<String, byte[]>) field(ByteArrayClassLoader.class, "classes").get(compiled._1().getClass().getClassLoader());
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(compiled._2().maxMethodCodeSize());
        out.writeInt(compiled._2().maxConstPoolSize());
        out.writeInt(compiled._2().numInnerClasses());
        out.writeInt(classes.size());
        for (Map.Entry<String, byte[]> one : classes.entrySet()) {
            out.writeUTF(one.getKey());
            out.writeInt(one.getValue().length);
            out.write(one.getValue());
        }
        return bytes.toByteArray();
    }

    /** A digest of the names of Java and all jars, which have their versions in them. */
    private static String jars() {
        return digest(System.getProperty("java.version") + Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(jar -> new File(jar).getName()).sorted().collect(Collectors.joining("\n")));
    }

    private static String digest(String text) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException never) {
            throw new IllegalStateException(never);
        }
    }

    static Field field(Class<?> owner, String name) throws NoSuchFieldException {
        Field field = owner.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }

    /** Loads its own classes before it asks its parent, who would look for each of them in every jar. */
    private static final class Own extends ClassLoader {
        private final Map<String, byte[]> classes;

        Own(Map<String, byte[]> classes) {
            super(Utils.getContextOrSparkClassLoader());
            this.classes = classes;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            synchronized (getClassLoadingLock(name)) {
                byte[] bytes = classes.remove(name);
                Class<?> there = bytes == null ? findLoadedClass(name) : defineClass(name, bytes, 0, bytes.length);
                return there == null ? super.loadClass(name, resolve) : there;
            }
        }
    }
}
