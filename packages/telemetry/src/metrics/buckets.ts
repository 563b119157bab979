/** Buckets of every latency in seconds: 1-2-5 steps from 0.5 ms to 10 s, with edges at the limits that matter here, 50 and 200 ms. */
export const BUCKETS_SECONDS: readonly number[] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
