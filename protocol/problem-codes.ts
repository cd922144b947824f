/** Codes of problem details: the one table from a stable code to a status and a title. */

const table = {
  malformed_json: [400, 'Malformed JSON'],
  unauthenticated: [401, 'Not authenticated'],
  session_expired: [401, 'Session expired'],
  registration_token_used: [401, 'Registration token refused'],
  enrolment_refused: [401, 'Enrolment refused'],
  wrong_answer: [401, 'Wrong answer to the challenge'],
  bad_signature: [401, 'Bad signature'],
  stale_timestamp: [401, 'Time stamp too old or too new'],
  wrong_login: [401, 'Sign-in refused'],
  totp_required: [401, 'Authenticator code required'],
  invitation_refused: [401, 'Invitation refused'],
  csrf_refused: [403, 'Cross-site request'],
  forbidden: [403, 'Not permitted'],
  another_person_needed: [403, 'Another person has to confirm'],
  not_found: [404, 'Not found'],
  method_not_allowed: [405, 'Method not allowed'],
  already_set_up: [409, 'Already set up'],
  changed_meanwhile: [409, 'Changed by someone else'],
  in_use: [409, 'In use'],
  name_taken: [409, 'Name taken'],
  asleep: [409, 'Asleep'],
  not_asleep: [409, 'Not asleep'],
  fleet_full: [409, 'Fleet is full'],
  cannot_be_woken: [409, 'Cannot be woken'],
  instance_taken: [409, 'Instance bound to another runner'],
  already_ended: [409, 'Task has ended'],
  not_waiting_confirmation: [409, 'Nothing to confirm'],
  agent_running: [409, 'Another agent runs'],
  not_claimable: [409, 'Nothing to claim'],
  try_later: [409, 'Try again later'],
  lease_expired: [409, 'Lease expired'],
  lease_lost: [409, 'Lease lost'],
  webhook_replayed: [409, 'Webhook received before'],
  unreadable_item: [409, 'Stored item cannot be read'],
  body_too_large: [413, 'Body too large'],
  unsupported_media_type: [415, 'Unsupported media type'],
  invalid_request: [422, 'Invalid request'],
  invalid_reference: [422, 'Reference to something that does not exist'],
  item_too_large: [422, 'Too large to be stored'],
  too_many_attempts: [429, 'Too many attempts'],
  internal: [500, 'Internal error'],
  unavailable: [503, 'Unavailable'],
} as const satisfies Record<string, readonly [status: number, title: string]>;

export type ProblemCode = keyof typeof table;
export type ProblemStatus = (typeof table)[ProblemCode][0];

export const statusOf = (code: ProblemCode): ProblemStatus => table[code][0];
export const titleOf = (code: ProblemCode): string => table[code][1];
