package oracle;

import org.apache.kafka.streams.test.TestRecord;

/** One record as text: {@code key|value|timestamp}, {@code ~} for null. */
final class Row {
    private static final String NULL = "~";

    private Row() {
    }

    static String text(TestRecord<String, String> record) {
        return shown(record.key()) + "|" + shown(record.value()) + "|" + record.timestamp();
    }

    static String parsed(String field) {
        return field.equals(NULL) ? null : field;
    }

    private static String shown(String field) {
        return field == null ? NULL : field;
    }
}
