package lakehouse;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.mapred.JobConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.catalyst.rules.RuleExecutor$;
import org.apache.spark.sql.catalyst.rules.QueryExecutionMetering;

/** Work that Spark does with every query, and of which nothing is seen: a twentieth of a small run. */
public final class LeanSpark {
    /** Yarn, and MapReduce without what its input and output formats ask for, which write our files. */
    private static final Pattern HADOOPS_OWN = Pattern.compile("yarn\\.|mapreduce\\.(?!job\\.|input|output|fileoutput)");

    private LeanSpark() {}

    /** Leave it undone in this JVM. */
    public static synchronized void lighten(SparkContext context) throws ReflectiveOperationException {
        measureNoRules();
        if (!context.master().equals("yarn")) {
            keepFewSettings(context.hadoopConfiguration());
        }
    }

    /** Spark adds up the time of each of its planner's rules, and sums that of all of them before and after each use of some. */
    private static void measureNoRules() throws ReflectiveOperationException {
        QueryExecutionMetering meter = RuleExecutor$.MODULE$.queryExecutionMeter();
        for (String name : new String[] {"timeMap", "numRunsMap", "numEffectiveRunsMap", "timeEffectiveRunsMap"}) {
            Object counted = CompiledCode.field(QueryExecutionMetering.class, name).get(meter);
            CompiledCode.field(counted.getClass(), "map").set(counted, new Nothing());
        }
    }

    /** Two thirds of Hadoop's settings are for its own programs, and all are sent with every scan and written file, and copied. */
    private static void keepFewSettings(Configuration settings) {
        // Default values are read when these are first used, into all settings there are.
        new JobConf();
        HdfsConfiguration.init();
        List<String> names = new ArrayList<>();
        for (Map.Entry<String, String> setting : settings) {
            if (HADOOPS_OWN.matcher(setting.getKey()).lookingAt()) {
                names.add(setting.getKey());
            }
        }
        names.forEach(settings::unset);
    }

    /** Counts to zero. */
    private static final class Nothing extends ConcurrentHashMap<String, Long> {
        @Override
        public Long compute(String key, BiFunction<? super String, ? super Long, ? extends Long> count) {
            return 0L;
        }
    }
}
