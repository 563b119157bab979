export { type Belt, type BeltOptions, createBelt } from './belt.ts'
export { type Camera, createCamera } from './camera.ts'
export { type CellMaps, openCellMaps, type Part, type PartEvent, type RobotStatus } from './cell-maps.ts'
export { type CellSafety, type CellSafetyOptions, openCellSafety } from './cell-safety.ts'
export type { SafetyStop } from './cell-safety-machine.ts'
export { type Arrival, type ClaimWindows, createClaimWindows } from './claim-windows.ts'
export { erlangB, orderedEntryLoads } from './erlang.ts'
export { isSwarmError, SWARM_ERRORS, SwarmError, type SwarmErrorCode } from './errors.ts'
export { createPlannerMachine, firstFree, type Leases, type PlannerEffects, type PlannerEvent, type PlannerMachine } from './planner.ts'
export { generateRecording, type GenerateOptions } from './recording/generate-recording.ts'
export { type OpenRecordingOptions, openRecording } from './recording/open-recording.ts'
export type { CellEvent, PositionColumns, Recording, SessionRecording } from './recording/recording.ts'
export { checkLog, type LogCheck, type LogDifference, type LogSession } from './replay/check-log.ts'
export type { ReplayCheck } from './replay/checks.ts'
export type { ReplayOptions } from './replay/options.ts'
export type { ReplayProgress } from './replay/progress.ts'
export { replay, type ReplayResult } from './replay/replay.ts'
export type { ReplayReport, ReplaySession, ReplayTotals } from './replay/report.ts'
export type { ExpectedSession } from './recording/rows.ts'
export { type ArmReport, createSimulatedArm, type RobotArm } from './robot-arm.ts'
export { createRobotMachine, type RobotContext, type RobotEffects, type RobotEvent, type RobotMachine, type RobotStep } from './robot.ts'
export { type Cell, type CellOptions, startCell } from './sim/cell.ts'
export type { Check } from './sim/checks.ts'
export { type CellLayout, createLayout } from './sim/layout.ts'
export type { PickTimeLaw, RunOptions } from './sim/options.ts'
export { type RunEnvironment, type RunProgress, type RunReport, simulate } from './sim/run.ts'
export { createVisionMachine, type FrameEvent, type VisionEffects, type VisionEvent, type VisionMachine } from './vision.ts'
export type { SafetyAccount } from './safety-account.ts'
export {
  judge,
  resolveSafetyOptions,
  type SafetyInput,
  type SafetyLimits,
  type SafetyOptions,
  type SafetyState,
  type Verdict,
} from './safety.ts'
