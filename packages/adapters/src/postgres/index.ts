// Embedded PostgreSQL, by name.
export { findBinaries, type PostgresBinaries } from './binaries.ts';
export {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  type PostgresConnection,
  type PostgresExit,
} from './embedded-postgres.ts';
