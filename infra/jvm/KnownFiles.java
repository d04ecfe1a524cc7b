package lakehouse;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.SnapshotDescriptor;
import org.apache.spark.sql.delta.actions.AddFile;
import org.apache.spark.sql.delta.files.TahoeBatchFileIndex;
import scala.Option;
import scala.collection.immutable.Seq;

/**
 * The files of a table without partitions, as they were given. Delta's own index makes rows of them and plans a query over those,
 * with every scan, to find the partitions that are asked for.
 */
public final class KnownFiles extends TahoeBatchFileIndex {
    /** The rows of these files of a table's version. */
    public static Dataset<Row> frame(SparkSession spark, DeltaLog log, SnapshotDescriptor at, Seq<AddFile> files) {
        return spark.baseRelationToDataFrame(
                log.buildHadoopFsRelationWithFileIndex(at, new KnownFiles(spark, log, at, files), Option.empty(), false));
    }

    private KnownFiles(SparkSession spark, DeltaLog log, SnapshotDescriptor at, Seq<AddFile> files) {
        super(spark, "batch", files, log, log.dataPath(), at, false);
    }

    @Override
    public Seq<AddFile> matchingFiles(Seq<Expression> partitions, Seq<Expression> rows) {
        return partitionSchema().isEmpty() ? addFiles() : super.matchingFiles(partitions, rows);
    }
}
