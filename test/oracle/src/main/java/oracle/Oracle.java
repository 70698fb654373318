package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.StreamsConfig.InternalConfig;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.KStream;

/** Runs each line of {@code cases.jsonl} in Kafka Streams' test driver and writes what each input led to. */
public final class Oracle {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Oracle() {
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        Path state = Files.createTempDirectory("oracle");
        List<String> answers = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(folder.resolve("cases.jsonl"))) {
                answers.add(JSON.writeValueAsString(answer(JSON.readTree(line), state)));
            }
        } finally {
            try (var left = Files.walk(state)) {
                for (Path path : left.sorted((one, other) -> other.compareTo(one)).toList()) Files.delete(path);
            }
        }
        Files.writeString(folder.resolve("expected.jsonl"), String.join("\n", answers) + "\n");
    }

    private static ObjectNode answer(JsonNode oneCase, Path state) {
        String name = oneCase.get("name").asText();
        ObjectNode answer = JSON.createObjectNode().put("name", name);
        ArrayNode outputs = answer.putArray("outputs");
        Topology topology = topology(new Parameters(oneCase.get("topology")));
        // the driver's wall clock starts at 0 and stands still
        try (var driver = new TopologyTestDriver(topology, settings(state), Instant.EPOCH)) {
            var out = driver.createOutputTopic("out", new StringDeserializer(), new StringDeserializer());
            for (JsonNode input : oneCase.get("inputs")) {
                feed(driver, input.asText());
                take(out, outputs.addArray());
            }
        } catch (RuntimeException problem) {
            throw new IllegalStateException("case " + name + ", input " + (outputs.size() + 1), problem);
        }
        return answer;
    }

    private static void feed(TopologyTestDriver driver, String input) {
        String[] fields = input.split("\\|");
        driver
            .createInputTopic(fields[0], new StringSerializer(), new StringSerializer())
            .pipeInput(Row.parsed(fields[1]), Row.parsed(fields[2]), Long.parseLong(fields[3]));
    }

    private static void take(TestOutputTopic<String, String> out, ArrayNode rows) {
        while (!out.isEmpty()) rows.add(Row.text(out.readRecord()));
    }

    private static Topology topology(Parameters parameters) {
        StreamsBuilder builder = new StreamsBuilder();
        built(builder, parameters).to("out");
        return builder.build();
    }

    private static KStream<String, String> built(StreamsBuilder builder, Parameters parameters) {
        Joins joins = new Joins(builder, parameters);
        Windows windows = new Windows(builder, parameters);
        Aggregates aggregates = new Aggregates(builder, parameters);
        return switch (parameters.kind()) {
            case "stream-stream" -> joins.streamStream();
            case "stream-table" -> joins.streamTable();
            case "table-table" -> joins.tableTable();
            case "global-table" -> joins.globalTable();
            case "foreign-key" -> joins.foreignKey();
            case "tumbling", "hopping" -> windows.time();
            case "sliding" -> windows.sliding();
            case "session" -> windows.session();
            case "windowed-count-suppressed" -> windows.suppressedCount();
            case "suppress-time-limit" -> aggregates.suppressedTableCount();
            case "aggregate" -> aggregates.aggregate();
            case "reduce" -> aggregates.reduce();
            case "count" -> aggregates.count();
            case "table-aggregate" -> aggregates.tableAggregate();
            case "table-count" -> aggregates.tableCount();
            case "cogroup" -> parameters.has("sizeMs") ? windows.cogroup() : aggregates.cogroup();
            case "table-filter" -> aggregates.tableFilter();
            default -> throw parameters.unknown("kind");
        };
    }

    private static Properties settings(Path state) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "oracle");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "unused:9092");
        settings.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        // a cache would hold back updates
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        // what has closed is emitted with the next record, not at most once a second by the wall clock
        settings.put(InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_OUTER_JOIN_SPURIOUS_RESULTS_FIX, 0L);
        settings.put(InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 0L);
        return settings;
    }
}
