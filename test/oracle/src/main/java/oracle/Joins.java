package oracle;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.GlobalKTable;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.ValueJoiner;
import org.apache.kafka.streams.state.Stores;

/** Each join of Kafka Streams, over the topics {@code left} and {@code right}. */
final class Joins {
    private static final ValueJoiner<String, String, String> JOINER = (left, right) -> left + "-" + right;

    private final StreamsBuilder builder;
    private final Parameters parameters;

    Joins(StreamsBuilder builder, Parameters parameters) {
        this.builder = builder;
        this.parameters = parameters;
    }

    KStream<String, String> streamStream() {
        KStream<String, String> left = builder.stream("left");
        KStream<String, String> right = builder.stream("right");
        JoinWindows windows = JoinWindows
            .ofTimeDifferenceAndGrace(parameters.ms("beforeMs"), parameters.ms("graceMs"))
            .before(parameters.ms("beforeMs"))
            .after(parameters.ms("afterMs"));
        return switch (parameters.mode()) {
            case "inner" -> left.join(right, JOINER, windows);
            case "left" -> left.leftJoin(right, JOINER, windows);
            case "outer" -> left.outerJoin(right, JOINER, windows);
            default -> throw parameters.unknown("mode");
        };
    }

    KStream<String, String> streamTable() {
        KStream<String, String> left = builder.stream("left");
        KTable<String, String> right = table("right", "versionedMs");
        Joined<String, String, String> joined = Joined.with(Serdes.String(), Serdes.String(), Serdes.String());
        if (parameters.has("graceMs")) joined = joined.withGracePeriod(parameters.ms("graceMs"));
        return switch (parameters.mode()) {
            case "inner" -> left.join(right, JOINER, joined);
            case "left" -> left.leftJoin(right, JOINER, joined);
            default -> throw parameters.unknown("mode");
        };
    }

    KStream<String, String> globalTable() {
        KStream<String, String> left = builder.stream("left");
        GlobalKTable<String, String> right = builder.globalTable("right");
        return switch (parameters.mode()) {
            case "inner" -> left.join(right, (key, value) -> firstCharacter(value), JOINER);
            case "left" -> left.leftJoin(right, (key, value) -> firstCharacter(value), JOINER);
            default -> throw parameters.unknown("mode");
        };
    }

    KStream<String, String> tableTable() {
        KTable<String, String> left = table("left", "leftVersionedMs");
        KTable<String, String> right = table("right", "rightVersionedMs");
        return switch (parameters.mode()) {
            case "inner" -> left.join(right, JOINER).toStream();
            case "left" -> left.leftJoin(right, JOINER).toStream();
            case "outer" -> left.outerJoin(right, JOINER).toStream();
            default -> throw parameters.unknown("mode");
        };
    }

    KStream<String, String> foreignKey() {
        KTable<String, String> left = builder.table("left");
        KTable<String, String> right = builder.table("right");
        return switch (parameters.mode()) {
            case "inner" -> left.join(right, Joins::foreignKeyOf, JOINER).toStream();
            case "left" -> left.leftJoin(right, Joins::foreignKeyOf, JOINER).toStream();
            default -> throw parameters.unknown("mode");
        };
    }

    private KTable<String, String> table(String topic, String retention) {
        if (!parameters.has(retention)) return builder.table(topic);
        return builder.table(
            topic,
            Consumed.with(Serdes.String(), Serdes.String()),
            Materialized.as(Stores.persistentVersionedKeyValueStore(topic + "-versions", parameters.ms(retention))));
    }

    private static String firstCharacter(String value) {
        return value == null || value.startsWith(":") ? null : value.substring(0, 1);
    }

    private static String foreignKeyOf(String value) {
        return value.startsWith(":") ? null : value.split(":", 2)[0];
    }
}
