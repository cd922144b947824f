/** The HTTP API: its stage, its access log, and the routes to the functions. */
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  type IAccessLogSettings,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Functions } from './functions.ts';

/**
 * Logs the route and not the path: paths contain secrets (the URLs of incoming webhooks). The functions log
 * the rest under the same id.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
const fields = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  sourceIp: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  routeKey: '$context.routeKey',
  status: '$context.status',
  responseLength: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  error: '$context.integrationErrorMessage',
};

/**
 * Log group with the name prefix `/aws/vendedlogs/`. It then needs no entry in the account's one resource
 * policy for logs, which takes 5,120 characters and so few log groups (AWS: Enabling logging from AWS
 * services, "Log group resource policy size limit").
 */
const accessLog = (scope: Construct, stackName: string): IAccessLogSettings => ({
  destination: new LogGroupLogDestination(
    new LogGroup(scope, 'AccessLog', {
      logGroupName: `/aws/vendedlogs/${stackName}/http-api`,
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    }),
  ),
  format: AccessLogFormat.custom(JSON.stringify(fields)),
});

export const makeHttpApi = (scope: Construct, stackName: string): HttpApi => {
  const httpApi = new HttpApi(scope, 'HttpApi', { apiName: stackName, createDefaultStage: false });
  // Limits the cost of a runaway client; a thousand busy agents stay below.
  httpApi.addStage('DefaultStage', {
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit: 500, burstLimit: 1000 },
    accessLogSettings: accessLog(scope, stackName),
  });
  return httpApi;
};

/** Routes the webhooks of tasks to their functions, and all other requests to `api`. */
export const addRoutes = (httpApi: HttpApi, { api, taskStart, taskFinish }: Functions): void => {
  const webhook = (path: string, id: string, fn: LambdaFunction) =>
    httpApi.addRoutes({ path, methods: [HttpMethod.POST], integration: new HttpLambdaIntegration(id, fn) });
  webhook('/webhooks/task-start', 'TaskStart', taskStart);
  webhook('/webhooks/task-finish', 'TaskFinish', taskFinish);
  new HttpRoute(httpApi, 'DefaultRoute', {
    httpApi,
    routeKey: HttpRouteKey.DEFAULT,
    integration: new HttpLambdaIntegration('Api', api),
  });
};
