/** Where spans or metrics leave the process. What it rejects with is ignored: failures are counted where they happen. */
export interface Sink {
  /** Sends what is there now. */
  flush(): Promise<void>
  /** Sends what is there and ends. */
  close(): Promise<void>
  /** Gives up what is still under way, so that `close` can end. */
  abort(reason: Error): void
}
