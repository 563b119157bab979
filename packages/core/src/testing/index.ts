export { COMMIT_POINTS, type CommitPoint } from './disk.ts'
export { FAULTS, type FaultKind } from './fault.ts'
export { DEFECTS, simulate, type Defect, type SimulationOptions, type SimulationReport } from './simulate.ts'
