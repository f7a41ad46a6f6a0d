// What each operation says of itself beside its input and output: the REST route, its status, its limit, its errors.
import type { ErrorCode } from '@insightloop/core';

/** Groups of the specification's rate limits; `unlimited` operations are neither counted nor labelled. */
export type RateLimitGroup = 'discovery' | 'deployment' | 'orchestration' | 'logs' | 'unlimited';

export type ApiMeta = {
  openapi: {
    method: 'GET' | 'POST' | 'PUT' | 'DELETE';
    path: `/${string}`;
    tags: [string];
    summary: string;
    description?: string;
  };
  /** The status of success; 200 without it. */
  successStatus?: 201 | 202;
  /** The boolean input with which success is 202: begun, not done. */
  acceptedWith?: string;
  limit: RateLimitGroup;
  /** Of a subscription: the schema in the OpenAPI document that describes its events. */
  stream?: 'StreamEvent' | 'LogEvent' | 'TaskEvent';
  /** Of a subscription that shares its path with a query: the boolean parameter that asks for the stream. */
  chosenBy?: string;
  /** Of a subscription that also answers in the place of another operation: where, and the boolean that asks for it. */
  insteadOf?: { method: 'POST'; path: `/${string}`; parameter: string };
  /** The codes it can answer besides those that every operation can. */
  errors?: readonly ErrorCode[];
};
