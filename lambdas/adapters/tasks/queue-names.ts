/**
 * Time for which SQS refuses the name of a removed queue. QueueDeletedRecently:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
 */
export const nameRefusedMs = 60_000;
