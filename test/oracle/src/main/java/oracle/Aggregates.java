package oracle;

import java.time.Duration;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Aggregator;
import org.apache.kafka.streams.kstream.CogroupedKStream;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Initializer;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;
import org.apache.kafka.streams.state.Stores;

/** Aggregates without windows, and a filtered table. */
final class Aggregates {
    static final Initializer<String> INITIAL = () -> "0";
    static final Aggregator<String, String, String> ADDER = (key, value, state) -> state + "+" + value;
    private static final Aggregator<String, String, String> SUBTRACTOR = (key, value, state) -> state + "-" + value;

    private final StreamsBuilder builder;
    private final Parameters parameters;

    Aggregates(StreamsBuilder builder, Parameters parameters) {
        this.builder = builder;
        this.parameters = parameters;
    }

    KStream<String, String> aggregate() {
        return grouped().aggregate(INITIAL, ADDER).toStream();
    }

    KStream<String, String> reduce() {
        return grouped().reduce((state, value) -> state + "+" + value).toStream();
    }

    KStream<String, String> count() {
        return text(grouped().count());
    }

    KStream<String, String> cogroup() {
        return cogrouped(builder).aggregate(INITIAL).toStream();
    }

    KStream<String, String> tableAggregate() {
        return table()
            .groupBy((key, value) -> KeyValue.pair(value.substring(0, 1), value), strings())
            .aggregate(INITIAL, ADDER, SUBTRACTOR)
            .toStream();
    }

    KStream<String, String> tableCount() {
        return text(countByValue());
    }

    KStream<String, String> suppressedTableCount() {
        Duration limit = parameters.has("limitMs") ? parameters.ms("limitMs") : Duration.ofMillis(Long.MAX_VALUE);
        BufferConfig<?> buffer = parameters.has("maxRecords")
            ? BufferConfig.maxRecords(parameters.number("maxRecords")).emitEarlyWhenFull()
            : BufferConfig.unbounded();
        return text(countByValue().suppress(Suppressed.untilTimeLimit(limit, buffer)));
    }

    KStream<String, String> tableFilter() {
        return table().filter((key, value) -> "02468".indexOf(value.charAt(value.length() - 1)) >= 0).toStream();
    }

    static CogroupedKStream<String, String> cogrouped(StreamsBuilder builder) {
        KGroupedStream<String, String> left = builder.<String, String>stream("left").groupByKey();
        KGroupedStream<String, String> right = builder.<String, String>stream("right").groupByKey();
        Aggregator<String, String, String> addLeft = (key, value, state) -> state + "+l:" + value;
        Aggregator<String, String, String> addRight = (key, value, state) -> state + "+r:" + value;
        return left.<String>cogroup(addLeft).cogroup(right, addRight);
    }

    private KGroupedStream<String, String> grouped() {
        return builder.<String, String>stream("in").groupByKey();
    }

    private KTable<String, Long> countByValue() {
        return table().groupBy((key, value) -> KeyValue.pair(value, value), strings()).count();
    }

    private KTable<String, String> table() {
        if (!parameters.has("versionedMs")) return builder.table("in");
        return builder.table(
            "in",
            Consumed.with(Serdes.String(), Serdes.String()),
            Materialized.as(Stores.persistentVersionedKeyValueStore("in-versions", parameters.ms("versionedMs"))));
    }

    private static Grouped<String, String> strings() {
        return Grouped.with(Serdes.String(), Serdes.String());
    }

    private static KStream<String, String> text(KTable<String, Long> counts) {
        return counts.toStream().mapValues(count -> count == null ? null : count.toString());
    }
}
