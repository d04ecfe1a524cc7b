package lakehouse;

import io.delta.storage.CloseableIterator;
import io.delta.storage.HadoopFileSystemLogStore;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.CreateFileOptionKeys;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.s3a.RemoteFileChangedException;

/**
 * Delta's log on an object store that knows the conditional put (If-None-Match: MinIO, S3): of two drivers that commit the
 * same version one is refused. The log stores that Delta brings lose one of the two commits there.
 */
public class ConditionalLogStore extends HadoopFileSystemLogStore {
    public ConditionalLogStore(Configuration conf) {
        super(conf);
    }

    @Override
    public void write(Path path, Iterator<String> actions, Boolean overwrite, Configuration conf) throws IOException {
        byte[] commit = joined(actions);
        FileSystem fs = path.getFileSystem(conf);
        FSDataOutputStreamBuilder<?, ?> file = fs.createFile(path).overwrite(true).recursive();
        if (!overwrite) {
            file.must(CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE, true);
        }
        FSDataOutputStream out = (FSDataOutputStream) file.build();
        try {
            out.write(commit);
            out.close();
        } catch (RemoteFileChangedException taken) {
            // A put whose answer got lost is sent again and then meets itself: that is a success.
            if (!java.util.Arrays.equals(commit, content(path, conf))) {
                throw new FileAlreadyExistsException(path.toString());
            }
        }
    }

    private static byte[] joined(Iterator<String> actions) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        while (actions.hasNext()) {
            bytes.write((actions.next() + "\n").getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    private byte[] content(Path path, Configuration conf) throws IOException {
        try (CloseableIterator<String> lines = read(path, conf)) {
            return joined(lines);
        } catch (FileNotFoundException gone) {
            return new byte[0];
        }
    }

    @Override
    public Boolean isPartialWriteVisible(Path path, Configuration conf) {
        return false;
    }
}
