package oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;

/** The parameters of a case's topology, as the README lists them. */
record Parameters(JsonNode json) {
    String kind() {
        return json.get("kind").asText();
    }

    boolean has(String name) {
        return json.hasNonNull(name);
    }

    Duration ms(String name) {
        return Duration.ofMillis(json.get(name).asLong());
    }

    long number(String name) {
        return json.get(name).asLong();
    }

    String mode() {
        return json.get("mode").asText();
    }

    boolean emitsFinal() {
        return "final".equals(json.get("emit").asText());
    }

    IllegalArgumentException unknown(String what) {
        return new IllegalArgumentException("unknown " + what + " in " + json);
    }
}
