package oracle;

import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;

/** Windowed aggregates of the topic {@code in}, and of {@code left} and {@code right} where they are co-grouped. */
final class Windows {
    /** Kafka Streams emits a final result only while its store still has it: far longer than any case takes. */
    private static final Duration RETENTION = Duration.ofDays(1);

    private final StreamsBuilder builder;
    private final Parameters parameters;

    Windows(StreamsBuilder builder, Parameters parameters) {
        this.builder = builder;
        this.parameters = parameters;
    }

    /** Tumbling, or hopping where there is {@code advanceMs}. */
    KStream<String, String> time() {
        return input()
            .windowedBy(timeWindows())
            .emitStrategy(emitStrategy())
            .aggregate(Aggregates.INITIAL, Aggregates.ADDER, kept(windowStore(), Serdes.String()))
            .toStream((key, value) -> halfOpen(key));
    }

    KStream<String, String> sliding() {
        return input()
            .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(parameters.ms("diffMs"), parameters.ms("graceMs")))
            .emitStrategy(emitStrategy())
            .aggregate(Aggregates.INITIAL, Aggregates.ADDER, kept(windowStore(), Serdes.String()))
            .toStream((key, value) -> closed(key));
    }

    KStream<String, String> session() {
        return input()
            .windowedBy(SessionWindows.ofInactivityGapAndGrace(parameters.ms("gapMs"), parameters.ms("graceMs")))
            .emitStrategy(emitStrategy())
            .aggregate(Aggregates.INITIAL, Aggregates.ADDER, Windows::merged, kept(sessionStore(), Serdes.String()))
            .toStream((key, value) -> closed(key));
    }

    /** A co-group's windows know no emit strategy: it emits each update. */
    KStream<String, String> cogroup() {
        return Aggregates.cogrouped(builder)
            .windowedBy(timeWindows())
            .aggregate(Aggregates.INITIAL, kept(windowStore(), Serdes.String()))
            .toStream((key, value) -> halfOpen(key));
    }

    KStream<String, String> suppressedCount() {
        return input()
            .windowedBy(timeWindows())
            .count(kept(Materialized.<String, Long, WindowStore<Bytes, byte[]>>as("windows"), Serdes.Long()))
            .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            .toStream((key, count) -> halfOpen(key))
            .mapValues(count -> count.toString());
    }

    private KGroupedStream<String, String> input() {
        return builder.<String, String>stream("in").groupByKey();
    }

    private TimeWindows timeWindows() {
        TimeWindows windows = TimeWindows.ofSizeAndGrace(parameters.ms("sizeMs"), parameters.ms("graceMs"));
        return parameters.has("advanceMs") ? windows.advanceBy(parameters.ms("advanceMs")) : windows;
    }

    private EmitStrategy emitStrategy() {
        return parameters.emitsFinal() ? EmitStrategy.onWindowClose() : EmitStrategy.onWindowUpdate();
    }

    private static Materialized<String, String, WindowStore<Bytes, byte[]>> windowStore() {
        return Materialized.as("windows");
    }

    private static Materialized<String, String, SessionStore<Bytes, byte[]>> sessionStore() {
        return Materialized.as("sessions");
    }

    private static <V, S extends StateStore> Materialized<String, V, S> kept(
        Materialized<String, V, S> store, Serde<V> values) {
        return store.withRetention(RETENTION).withKeySerde(Serdes.String()).withValueSerde(values);
    }

    private static String merged(String key, String earlier, String later) {
        return earlier + later.substring(1);
    }

    private static String halfOpen(Windowed<String> key) {
        return key.key() + "[" + key.window().start() + "," + key.window().end() + ")";
    }

    private static String closed(Windowed<String> key) {
        return key.key() + "[" + key.window().start() + "," + key.window().end() + "]";
    }
}
