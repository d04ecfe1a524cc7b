package lakehouse;

import java.util.UUID;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.DummySnapshot;
import org.apache.spark.sql.delta.VersionChecksum;
import org.apache.spark.sql.delta.actions.AddFile;
import org.apache.spark.sql.delta.actions.Format;
import org.apache.spark.sql.delta.actions.Metadata;
import scala.Option;
import scala.collection.immutable.Map;
import scala.collection.immutable.Map$;
import scala.collection.immutable.Nil$;
import scala.collection.immutable.Seq;

/**
 * What a table's first commit follows: no files. Of Delta's own such snapshot a query is planned and run, to find that it has none.
 */
public final class NewTable extends DummySnapshot {
    public NewTable(DeltaLog log) {
        super(log.logPath(), log);
    }

    /** What a table's first commit says of it: its columns, as JSON, and properties. */
    @SuppressWarnings("unchecked")
    public static Metadata described(String schema, Map<String, String> properties) {
        return new Metadata(
                UUID.randomUUID().toString(), null, null, new Format("parquet", Map$.MODULE$.empty()), schema,
                (Seq<String>) (Object) Nil$.MODULE$, properties, Option.apply(System.currentTimeMillis()));
    }

    /** What a commit says of a table that gets other columns, as JSON. */
    public static Metadata described(Metadata it, String schema) {
        return new Metadata(
                it.id(), it.name(), it.description(), it.format(), schema, it.partitionColumns(), it.configuration(), it.createdTime());
    }

    @Override
    @SuppressWarnings("unchecked")
    public VersionChecksum computeChecksum() {
        VersionChecksum it = super.computeChecksum();
        return new VersionChecksum(
                it.txnId(), it.tableSizeBytes(), it.numFiles(), it.numDeletedRecordsOpt(), it.numDeletionVectorsOpt(), it.numMetadata(),
                it.numProtocol(), it.inCommitTimestampOpt(), it.setTransactions(), it.domainMetadata(), it.metadata(), it.protocol(),
                it.fileSizeHistogram(), it.deletedRecordCountsHistogramOpt(),
                Option.apply((Seq<AddFile>) (Object) Nil$.MODULE$),
                it.lastManifestCommit());
    }
}
