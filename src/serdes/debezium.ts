/**
 * Change events as Debezium 3 writes them (https://debezium.io/documentation/reference/stable/connectors/postgresql.html). A union on
 * `op`: `change.after !== null` narrows it to the events that leave a row.
 */
export type Change<Row> = RowCreated<Row> | RowUpdated<Row> | RowDeleted<Row> | TableTruncated | LogicalMessage;

interface ChangeCommon {
  readonly source: ChangeSource;
  /** When the connector handled it, ms since 1970. The commit time is `source.ts_ms`. */
  readonly ts_ms: number;
  readonly ts_us?: number;
  /** 19 digits. */
  readonly ts_ns?: bigint;
  /** Present where the connector provides transaction metadata. */
  readonly transaction?: ChangeTransaction | null;
}

/** `c`: inserted; `r`: read by a snapshot. */
export interface RowCreated<Row> extends ChangeCommon {
  readonly op: 'c' | 'r';
  readonly before: null;
  readonly after: Row;
}

export interface RowUpdated<Row> extends ChangeCommon {
  readonly op: 'u';
  /** Only with `REPLICA IDENTITY FULL`. */
  readonly before: Row | null;
  readonly after: Row;
}

export interface RowDeleted<Row> extends ChangeCommon {
  readonly op: 'd';
  /** Whole with `REPLICA IDENTITY FULL`; else only the key is true, and columns that are NOT NULL hold invented zeros. */
  readonly before: Partial<Row> | null;
  readonly after: null;
}

export interface TableTruncated extends ChangeCommon {
  readonly op: 't';
  readonly before: null;
  readonly after: null;
}

/** Of `pg_logical_emit_message`. */
export interface LogicalMessage extends ChangeCommon {
  readonly op: 'm';
  readonly before: null;
  readonly after: null;
  /** `content` in base64. */
  readonly message: { readonly prefix: string; readonly content: string };
}

/** Where a change comes from. Connectors other than PostgreSQL's have further fields. */
export interface ChangeSource {
  readonly version: string;
  readonly connector: string;
  readonly name: string;
  /** Commit time, ms since 1970. */
  readonly ts_ms: number;
  readonly ts_us?: number;
  readonly ts_ns?: bigint;
  readonly snapshot?:
    'true' | 'first' | 'first_in_data_collection' | 'last_in_data_collection' | 'last' | 'false' | 'incremental';
  readonly db: string;
  readonly schema?: string;
  readonly table?: string;
  /** JSON text: `[last commit LSN, LSN of this event]`, decimal strings. */
  readonly sequence?: string | null;
  readonly txId?: number | bigint | null;
  /** Neither unique nor rising: compare (`sequence[0]`, `lsn`, `total_order`). */
  readonly lsn?: number | bigint | null;
  readonly xmin?: number | bigint | null;
}

export interface ChangeTransaction {
  /** `txId:LSN of this event`: group on the part before the colon. */
  readonly id: string;
  readonly total_order: number;
  readonly data_collection_order: number;
}

/** What Debezium writes for a TOASTed column that did not change, as its row type gives it. */
export const UNAVAILABLE = '__debezium_unavailable_value';
