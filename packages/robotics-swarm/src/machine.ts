import type {
  AnyActorRef,
  EventObject,
  MachineContext,
  MetaObject,
  NonReducibleUnknown,
  ParameterizedObject,
  ProvidedActor,
  StateMachine,
  StateSchema,
  StateValue,
} from 'xstate'

/**
 * A machine as its users see it: its context, its events, its input. Written out because the type that `setup()` infers
 * cannot be emitted into declarations (statelyai/xstate#5462).
 */
export type Machine<TContext extends MachineContext, TEvent extends EventObject, TInput = NonReducibleUnknown> = StateMachine<
  TContext,
  TEvent,
  Record<string, AnyActorRef | undefined>,
  ProvidedActor,
  ParameterizedObject,
  ParameterizedObject,
  string,
  StateValue,
  string,
  TInput,
  NonReducibleUnknown,
  EventObject,
  MetaObject,
  StateSchema
>
