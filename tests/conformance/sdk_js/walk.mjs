// A walk through berthd's services with the SDK for JavaScript (tests/conformance/sdk js). One line for each check.
import { readFileSync } from "node:fs";
import * as scaling from "@aws-sdk/client-application-auto-scaling";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as ec2 from "@aws-sdk/client-ec2";
import * as ecs from "@aws-sdk/client-ecs";
import * as events from "@aws-sdk/client-eventbridge";
import * as secrets from "@aws-sdk/client-secrets-manager";
import * as ssm from "@aws-sdk/client-ssm";
import * as sts from "@aws-sdk/client-sts";

const SETTINGS = { endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_REGION };
const ACCOUNT = "123456789012";
const IMAGE = process.env.WALK_IMAGE;
const WAIT_SECONDS = 120;
const NETWORK = { awsvpcConfiguration: { subnets: ["subnet-1"] } };
let failures = 0;

function check(what, holds, seen) {
  if (!holds) failures += 1;
  console.log(holds ? `ok      ${what}` : `FAILED  ${what}: ${JSON.stringify(seen)}`);
}
const same = (what, seen, wanted) => check(what, JSON.stringify(seen) === JSON.stringify(wanted), seen);

// That it is refused, and by which exception the SDK has for that.
async function refused(what, promise, type, name = type.name) {
  try {
    check(what, false, await promise);
  } catch (error) {
    check(what, error instanceof type && error.name === name, `${error.constructor.name} ${error.name}: ${error.message}`);
  }
}
async function pages(paginator, list) {
  const found = [];
  for await (const page of paginator) found.push(page[list]);
  return found;
}
async function until(what, look) {
  for (const end = Date.now() + WAIT_SECONDS * 1000; Date.now() < end;) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  check(what, false, "it never came about");
  return undefined;
}

async function walkSts() {
  const client = new sts.STSClient(SETTINGS);
  same("sts: who am I", (await client.send(new sts.GetCallerIdentityCommand({}))).Arn, `arn:aws:iam::${ACCOUNT}:root`);
  const role = { RoleArn: `arn:aws:iam::${ACCOUNT}:role/walk`, RoleSessionName: "js" };
  const keys = (await client.send(new sts.AssumeRoleCommand(role))).Credentials;
  check("sts: keys end in an hour", Math.abs(keys.Expiration - Date.now() - 3600_000) < 120_000, keys.Expiration);
  const credentials = { accessKeyId: keys.AccessKeyId, secretAccessKey: keys.SecretAccessKey, sessionToken: keys.SessionToken };
  const other = new sts.STSClient({ ...SETTINGS, credentials });
  same("sts: as a role", (await other.send(new sts.GetCallerIdentityCommand({}))).Arn,
       `arn:aws:sts::${ACCOUNT}:assumed-role/walk/js`);
  const forger = new sts.STSClient({ ...SETTINGS, credentials: { ...credentials, secretAccessKey: "guessed" } });
  await refused("sts: another secret", forger.send(new sts.GetCallerIdentityCommand({})), sts.STSServiceException,
                "SignatureDoesNotMatch");
}

function definition(family, script) {
  return {
    family, networkMode: "awsvpc", cpu: "256", memory: "128",
    containerDefinitions: [{
      name: "main", image: IMAGE, command: ["sh", "-c", script],
      logConfiguration: {
        logDriver: "awslogs",
        options: { "awslogs-group": "/walk", "awslogs-region": SETTINGS.region, "awslogs-stream-prefix": "js",
            "awslogs-create-group": "true" },
      },
    }],
  };
}

async function walkDefinitions(client) {
  const script = "echo hello from js; trap 'exit 0' TERM; while :; do sleep 1; done";
  for (const revision of [1, 2, 3]) {
    const made = await client.send(new ecs.RegisterTaskDefinitionCommand(definition("walk", script)));
    same(`ecs: revision ${revision}`, made.taskDefinition.revision, revision);
  }
  const found = await pages(ecs.paginateListTaskDefinitions({ client, pageSize: 1 }, { familyPrefix: "walk" }),
      "taskDefinitionArns");
  same("ecs: definitions, page by page", found.flat().map((arn) => arn.split("/")[1]), ["walk:1", "walk:2", "walk:3"]);
  check("ecs: no page has more than was asked for", found.every((page) => page.length <= 1), found);
  const gone = (await client.send(new ecs.DeregisterTaskDefinitionCommand({ taskDefinition: "walk:1" }))).taskDefinition;
  same("ecs: deregistered", [gone.status, gone.deregisteredAt instanceof Date], ["INACTIVE", true]);
}

async function walkTask(client) {
  const asked = {
    cluster: "walk", taskDefinition: "walk", networkConfiguration: NETWORK, enableExecuteCommand: true,
    startedBy: "js", tags: [{ key: "walk", value: "js" }],
    overrides: { containerOverrides: [{ name: "main", environment: [{ name: "FROM", value: "js" }] }] },
  };
  const task = (await client.send(new ecs.RunTaskCommand(asked))).tasks[0];
  const which = { cluster: "walk", tasks: [task.taskArn] };
  same("ecs: waiter tasksRunning", (await ecs.waitUntilTasksRunning({ client, maxWaitTime: WAIT_SECONDS, minDelay: 1 },
      which)).state, "SUCCESS");
  const running = (await client.send(new ecs.DescribeTasksCommand({ ...which, include: ["TAGS"] }))).tasks[0];
  same("ecs: a task that runs", [running.lastStatus, running.startedBy, running.tags, running.startedAt instanceof Date],
       ["RUNNING", "js", [{ key: "walk", value: "js" }], true]);
  const command = { cluster: "walk", task: task.taskArn, container: "main", interactive: true, command: "sh" };
  const session = (await client.send(new ecs.ExecuteCommandCommand(command))).session;
  check("ecs: ExecuteCommand", session.streamUrl.startsWith("ws") && session.tokenValue.length > 0, session);
  await client.send(new ecs.StopTaskCommand({ cluster: "walk", task: task.taskArn, reason: "the walk is over" }));
  same("ecs: waiter tasksStopped", (await ecs.waitUntilTasksStopped({ client, maxWaitTime: WAIT_SECONDS, minDelay: 1 },
      which)).state, "SUCCESS");
  const stopped = (await client.send(new ecs.DescribeTasksCommand(which))).tasks[0];
  same("ecs: a task that has stopped", [stopped.lastStatus, stopped.stoppedReason, stopped.stopCode,
      stopped.containers[0].exitCode],
       ["STOPPED", "the walk is over", "UserInitiated", 0]);
  return task.taskArn.split("/").pop();
}

async function walkService(client) {
  const asked = { cluster: "walk", serviceName: "steps", taskDefinition: "walk", desiredCount: 1,
      networkConfiguration: NETWORK };
  await client.send(new ecs.CreateServiceCommand(asked));
  const which = { cluster: "walk", services: ["steps"] };
  const wait = { client, maxWaitTime: WAIT_SECONDS, minDelay: 1 };
  same("ecs: waiter servicesStable", (await ecs.waitUntilServicesStable(wait, which)).state, "SUCCESS");
  await client.send(new ecs.UpdateServiceCommand({ cluster: "walk", service: "steps", desiredCount: 2 }));
  await ecs.waitUntilServicesStable(wait, which);
  const service = (await client.send(new ecs.DescribeServicesCommand(which))).services[0];
  same("ecs: a service", [service.runningCount, service.desiredCount, service.deployments.length], [2, 2, 1]);
  const tasks = await pages(ecs.paginateListTasks({ client, pageSize: 1 }, { cluster: "walk", serviceName: "steps" }),
      "taskArns");
  same("ecs: its tasks, page by page", tasks.flat().length, 2);
  await client.send(new ecs.DeleteServiceCommand({ cluster: "walk", service: "steps", force: true }));
  same("ecs: waiter servicesInactive", (await ecs.waitUntilServicesInactive(wait, which)).state, "SUCCESS");
}

async function walkEcs() {
  const client = new ecs.ECSClient(SETTINGS);
  const tags = [{ key: "team", value: "walkers" }];
  const cluster = (await client.send(new ecs.CreateClusterCommand({ clusterName: "walk", tags }))).cluster;
  same("ecs: cluster", [cluster.status, cluster.clusterArn], ["ACTIVE",
      `arn:aws:ecs:${SETTINGS.region}:${ACCOUNT}:cluster/walk`]);
  const resourceArn = cluster.clusterArn;
  await client.send(new ecs.TagResourceCommand({ resourceArn, tags: [{ key: "more", value: "" }] }));
  await client.send(new ecs.UntagResourceCommand({ resourceArn, tagKeys: ["team"] }));
  same("ecs: tags", (await client.send(new ecs.ListTagsForResourceCommand({ resourceArn }))).tags, [{ key: "more",
      value: "" }]);
  await walkDefinitions(client);
  const task = await walkTask(client);
  await walkService(client);
  await refused("ecs: no such cluster", client.send(new ecs.ListTasksCommand({ cluster: "other" })),
      ecs.ClusterNotFoundException);
  await refused("ecs: no such definition", client.send(new ecs.DescribeTaskDefinitionCommand({ taskDefinition: "other" })),
      ecs.ClientException);
  await refused("ecs: no such service", client.send(new ecs.UpdateServiceCommand({ cluster: "walk", service: "other" })),
      ecs.ServiceNotFoundException);
  await refused("ecs: no such launch type", client.send(new ecs.RunTaskCommand({ taskDefinition: "walk",
      launchType: "MOON" })), ecs.InvalidParameterException);
  // All at once: more than the SDK keeps connections for.
  const many = await Promise.all(Array.from({ length: 200 }, () => client.send(new ecs.ListClustersCommand({}))));
  check("ecs: 200 requests at once", many.every((answer) => answer.clusterArns.includes(resourceArn)), many.length);
  return task;
}

async function walkLogs(task) {
  const client = new logs.CloudWatchLogsClient(SETTINGS);
  const printed = await until("logs: what the task has printed", async () => {
    const found = await client.send(new logs.FilterLogEventsCommand({ logGroupName: "/walk", filterPattern: "hello" }));
    return found.events.find((event) => event.logStreamName === `js/main/${task}`);
  });
  same("logs: what the task has printed", printed?.message, "hello from js");
  for (const name of ["a", "b", "c"]) await client.send(new logs.CreateLogGroupCommand({ logGroupName: `/walk/${name}` }));
  await refused("logs: a group twice", client.send(new logs.CreateLogGroupCommand({ logGroupName: "/walk/a" })),
      logs.ResourceAlreadyExistsException);
  const found = await pages(logs.paginateDescribeLogGroups({ client, pageSize: 2 }, { logGroupNamePrefix: "/walk/" }),
      "logGroups");
  same("logs: groups, page by page", found.flat().map((group) => group.logGroupName), ["/walk/a", "/walk/b", "/walk/c"]);
  const stream = { logGroupName: "/walk/a", logStreamName: "s" };
  await client.send(new logs.CreateLogStreamCommand(stream));
  const put = (message) => client.send(new logs.PutLogEventsCommand({ ...stream, logEvents: [{ timestamp: Date.now(),
      message }] }));
  await put("one");
  const read = await client.send(new logs.GetLogEventsCommand({ ...stream, startFromHead: true }));
  same("logs: events", read.events.map((event) => event.message), ["one"]);
  await refused("logs: no such group", client.send(new logs.DescribeLogStreamsCommand({ logGroupName: "/other" })),
      logs.ResourceNotFoundException);

  const tailing = new logs.CloudWatchLogsClient({ ...SETTINGS, disableHostPrefix: true });  // there is no streaming-127.0.0.1
  const identifier = found[0][0].logGroupArn ?? found[0][0].arn.replace(/:\*$/, "");
  const tail = await tailing.send(new logs.StartLiveTailCommand({ logGroupIdentifiers: [identifier] }));
  const seen = [];
  for await (const event of tail.responseStream) {
    if (event.sessionStart) {
      seen.push("start");
      await put("two");
    }
    for (const each of event.sessionUpdate?.sessionResults ?? []) seen.push(each.message);
    if (seen.includes("two")) break;
  }
  same("logs: a live tail", seen, ["start", "two"]);
  tailing.destroy();
}

async function walkCloudWatch() {
  const client = new cloudwatch.CloudWatchClient(SETTINGS);
  const Dimensions = [{ Name: "Language", Value: "js" }];
  const at = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 120_000);
  const figures = [1, 2, 4].map((Value) => ({ MetricName: "Steps", Dimensions, Timestamp: at, Value, Unit: "Count" }));
  await client.send(new cloudwatch.PutMetricDataCommand({ Namespace: "Walk", MetricData: figures }));
  const period = { StartTime: new Date(at - 60_000), EndTime: new Date(Date.now() + 60_000) };
  const MetricStat = { Metric: { Namespace: "Walk", MetricName: "Steps", Dimensions }, Period: 60, Stat: "Sum" };
  const data = await client.send(new cloudwatch.GetMetricDataCommand({ ...period, MetricDataQueries: [{ Id: "m",
      MetricStat }] }));
  same("cloudwatch: sum", [data.MetricDataResults[0].Values, data.MetricDataResults[0].Timestamps], [[7], [at]]);
  const metrics = await client.send(new cloudwatch.ListMetricsCommand({ Namespace: "Walk" }));
  same("cloudwatch: metrics", metrics.Metrics.map((metric) => metric.MetricName), ["Steps"]);
  await client.send(new cloudwatch.PutMetricAlarmCommand({
    AlarmName: "tired", Namespace: "Walk", MetricName: "Steps", Dimensions, Statistic: "Sum", Period: 60,
    EvaluationPeriods: 1, Threshold: 5, ComparisonOperator: "GreaterThanThreshold",
  }));
  await client.send(new cloudwatch.SetAlarmStateCommand({ AlarmName: "tired", StateValue: "ALARM", StateReason: "by hand" }));
  const alarm = (await client.send(new cloudwatch.DescribeAlarmsCommand({ AlarmNames: ["tired"] }))).MetricAlarms[0];
  same("cloudwatch: alarm", [alarm.AlarmName, alarm.Threshold, alarm.AlarmConfigurationUpdatedTimestamp instanceof Date],
      ["tired", 5, true]);
  await client.send(new cloudwatch.DeleteAlarmsCommand({ AlarmNames: ["tired"] }));
  await refused("cloudwatch: no such alarm", client.send(new cloudwatch.SetAlarmStateCommand(
    { AlarmName: "tired", StateValue: "OK", StateReason: "by hand" })), cloudwatch.ResourceNotFound);
}

async function walkSsm() {
  const client = new ssm.SSMClient(SETTINGS);
  for (const name of ["a", "b", "c"]) {
    await client.send(new ssm.PutParameterCommand({ Name: `/walk/${name}`, Value: `of ${name}`, Type: "SecureString" }));
  }
  const sealed = (await client.send(new ssm.GetParameterCommand({ Name: "/walk/a" }))).Parameter;
  check("ssm: sealed", sealed.Value !== "of a", sealed.Value);
  const open = (await client.send(new ssm.GetParameterCommand({ Name: "/walk/a", WithDecryption: true }))).Parameter;
  same("ssm: opened", [open.Value, open.Version, open.LastModifiedDate instanceof Date], ["of a", 1, true]);
  const found = await pages(ssm.paginateGetParametersByPath({ client, pageSize: 2 }, { Path: "/walk", WithDecryption: true }),
      "Parameters");
  same("ssm: by path, page by page", found.flat().map((each) => each.Value), ["of a", "of b", "of c"]);
  await refused("ssm: a parameter twice", client.send(new ssm.PutParameterCommand({ Name: "/walk/a", Value: "x",
      Type: "String" })), ssm.ParameterAlreadyExists);
  await client.send(new ssm.DeleteParameterCommand({ Name: "/walk/a" }));
  await refused("ssm: no such parameter", client.send(new ssm.GetParameterCommand({ Name: "/walk/a" })), ssm.ParameterNotFound);
}

async function walkSecrets() {
  const client = new secrets.SecretsManagerClient(SETTINGS);
  const made = await client.send(new secrets.CreateSecretCommand({ Name: "walk", SecretString: "one" }));
  await client.send(new secrets.PutSecretValueCommand({ SecretId: "walk", SecretBinary: Buffer.from([0, 255]) }));
  const now = await client.send(new secrets.GetSecretValueCommand({ SecretId: made.ARN }));
  same("secrets: bytes", [...now.SecretBinary], [0, 255]);
  const before = await client.send(new secrets.GetSecretValueCommand({ SecretId: "walk", VersionStage: "AWSPREVIOUS" }));
  same("secrets: the version before", [before.SecretString, before.VersionId], ["one", made.VersionId]);
  await refused("secrets: a name twice", client.send(new secrets.CreateSecretCommand({ Name: "walk", SecretString: "x" })),
      secrets.ResourceExistsException);
  await client.send(new secrets.DeleteSecretCommand({ SecretId: "walk", ForceDeleteWithoutRecovery: true }));
  await refused("secrets: no such secret", client.send(new secrets.GetSecretValueCommand({ SecretId: "walk" })),
      secrets.ResourceNotFoundException);
}

async function walkEc2() {
  const client = new ec2.EC2Client(SETTINGS);
  const vpc = (await client.send(new ec2.DescribeVpcsCommand({}))).Vpcs[0];
  const subnets = (await client.send(new ec2.DescribeSubnetsCommand({ Filters: [{ Name: "vpc-id",
      Values: [vpc.VpcId] }] }))).Subnets;
  check("ec2: subnets", subnets.length > 0 && subnets.every((subnet) => subnet.VpcId === vpc.VpcId), subnets);
  const made = await client.send(new ec2.CreateSecurityGroupCommand({ GroupName: "walk", Description: "of a walk",
      VpcId: vpc.VpcId }));
  const IpPermissions = [{ IpProtocol: "tcp", FromPort: 80, ToPort: 81, IpRanges: [{ CidrIp: "10.0.0.0/8",
      Description: "all of ours" }] }];
  await client.send(new ec2.AuthorizeSecurityGroupIngressCommand({ GroupId: made.GroupId, IpPermissions }));
  const group = (await client.send(new ec2.DescribeSecurityGroupsCommand({ GroupIds: [made.GroupId] }))).SecurityGroups[0];
  same("ec2: rules of a group", group.IpPermissions.map((rule) => [rule.FromPort, rule.ToPort, rule.IpRanges[0].CidrIp]),
      [[80, 81, "10.0.0.0/8"]]);
  await client.send(new ec2.DeleteSecurityGroupCommand({ GroupId: made.GroupId }));
  await refused("ec2: no such group", client.send(new ec2.DescribeSecurityGroupsCommand({ GroupIds: [made.GroupId] })),
                ec2.EC2ServiceException, "InvalidGroup.NotFound");
}

async function walkOthers() {
  const targets = await new scaling.ApplicationAutoScalingClient(SETTINGS).send(new scaling.DescribeScalableTargetsCommand({ ServiceNamespace: "ecs" }));
  same("application-autoscaling: nothing is scaled", targets.ScalableTargets, []);
  const client = new events.EventBridgeClient(SETTINGS);
  await client.send(new events.PutRuleCommand({ Name: "walk", ScheduleExpression: "rate(1 day)" }));
  same("events: rules", (await client.send(new events.ListRulesCommand({ NamePrefix: "walk" }))).Rules.map((rule) => rule.ScheduleExpression), ["rate(1 day)"]);
  await client.send(new events.DeleteRuleCommand({ Name: "walk" }));
  await refused("events: no such rule", client.send(new events.DescribeRuleCommand({ Name: "walk" })),
      events.ResourceNotFoundException);
}

// A clock of the client's that is wrong: the Date of the first answer sets the SDK right. The last of all, for it breaks Date.
async function walkWithAWrongClock() {
  const Right = Date;
  for (const hours of [-1, 1]) {
    const now = () => Right.now() + hours * 3600_000;
    globalThis.Date = class extends Right {
      constructor(...given) { super(...(given.length > 0 ? given : [now()])); }
      static now() { return now(); }
    };
    same(`sts: a clock ${hours} h off`,
        (await new sts.STSClient(SETTINGS).send(new sts.GetCallerIdentityCommand({}))).Account, ACCOUNT);
    same(`ecs: a clock ${hours} h off`,
        (await new ecs.ECSClient(SETTINGS).send(new ecs.ListClustersCommand({}))).clusterArns.length, 2);  // "default", too
    const vpcs = await new ec2.EC2Client(SETTINGS).send(new ec2.DescribeVpcsCommand({}));
    same(`ec2: a clock ${hours} h off`, vpcs.Vpcs.length, 1);
    const metrics = await new cloudwatch.CloudWatchClient(SETTINGS).send(new cloudwatch.ListMetricsCommand({ Namespace: "Walk" }));
    same(`cloudwatch: a clock ${hours} h off`, metrics.Metrics.length, 1);
  }
  globalThis.Date = Right;
}

async function main() {
  const installed = JSON.parse(readFileSync(new URL("./node_modules/@aws-sdk/client-ecs/package.json", import.meta.url)));
  console.log(`@aws-sdk/client-ecs ${installed.version}, node ${process.version}`);
  await walkSts();
  const task = await walkEcs();
  await walkLogs(task);
  await walkCloudWatch();
  await walkSsm();
  await walkSecrets();
  await walkEc2();
  await walkOthers();
  await walkWithAWrongClock();
}

try {
  await main();
} catch (error) {
  check("the walk comes to its end", false, String(error.stack));
}
console.log(`${failures} failures`);
process.exit(failures === 0 ? 0 : 1);
