// A walk through berthd's services with the SDK for Go (tests/conformance/sdk go). One line for each check.
package main

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/request"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/cloudwatch"
	"github.com/aws/aws-sdk-go/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go/service/ec2"
	"github.com/aws/aws-sdk-go/service/ecs"
	"github.com/aws/aws-sdk-go/service/secretsmanager"
	"github.com/aws/aws-sdk-go/service/ssm"
	"github.com/aws/aws-sdk-go/service/sts"
)

const account = "123456789012"
const patience = 2 * time.Minute

var failures = 0

func check(what string, holds bool, seen interface{}) {
	if holds {
		fmt.Println("ok      " + what)
		return
	}
	failures++
	fmt.Printf("FAILED  %s: %v\n", what, seen)
}

func same(what string, seen, wanted interface{}) {
	check(what, reflect.DeepEqual(seen, wanted), seen)
}

// Without this the walk cannot go on.
func must(what string, err error) {
	if err == nil {
		return
	}
	check(what, false, err)
	os.Exit(end())
}

// That it is refused, by that name.
func refused(what string, err error, code string) {
	coded, isCoded := err.(awserr.Error)
	check(what, isCoded && coded.Code() == code, err)
}

func end() int {
	fmt.Printf("%d failures\n", failures)
	if failures > 0 {
		return 1
	}
	return 0
}

func often(tries int) []request.WaiterOption {
	return []request.WaiterOption{request.WithWaiterDelay(request.ConstantWaiterDelay(time.Second)),
		request.WithWaiterMaxAttempts(tries)}
}

func walkSts(config client) {
	own := sts.New(config.session)
	me, err := own.GetCallerIdentity(&sts.GetCallerIdentityInput{})
	must("sts: GetCallerIdentity", err)
	same("sts: who am I", *me.Arn, "arn:aws:iam::"+account+":root")
	role, err := own.AssumeRole(&sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/walk"),
		RoleSessionName: aws.String("go")})
	must("sts: AssumeRole", err)
	keys := role.Credentials
	as := func(secret string) error {
		given := credentials.NewStaticCredentials(*keys.AccessKeyId, secret, *keys.SessionToken)
		who, err := sts.New(config.session, &aws.Config{Credentials: given}).GetCallerIdentity(&sts.GetCallerIdentityInput{})
		if err == nil {
			same("sts: as a role", *who.Arn, "arn:aws:sts::"+account+":assumed-role/walk/go")
		}
		return err
	}
	must("sts: as a role", as(*keys.SecretAccessKey))
	refused("sts: another secret", as("guessed"), "SignatureDoesNotMatch")
}

func network() *ecs.NetworkConfiguration {
	return &ecs.NetworkConfiguration{AwsvpcConfiguration: &ecs.AwsVpcConfiguration{Subnets: aws.StringSlice([]string{"subnet-1"})}}
}

func walkDefinitions(own *ecs.ECS, region string) {
	script := "echo hello from go; trap 'exit 0' TERM; while :; do sleep 1; done"
	for revision := int64(1); revision <= 3; revision++ {
		made, err := own.RegisterTaskDefinition(&ecs.RegisterTaskDefinitionInput{
			Family: aws.String("walk"), NetworkMode: aws.String("awsvpc"), Cpu: aws.String("256"), Memory: aws.String("128"),
			ContainerDefinitions: []*ecs.ContainerDefinition{{
				Name: aws.String("main"), Image: aws.String(os.Getenv("WALK_IMAGE")), Command: aws.StringSlice([]string{"sh",
					"-c", script}),
				LogConfiguration: &ecs.LogConfiguration{LogDriver: aws.String("awslogs"),
					Options: aws.StringMap(map[string]string{
						"awslogs-group": "/walk", "awslogs-region": region, "awslogs-stream-prefix": "go",
						"awslogs-create-group": "true"})},
			}},
		})
		must("ecs: RegisterTaskDefinition", err)
		same("ecs: a revision", *made.TaskDefinition.Revision, revision)
	}
	var found []string
	pages := 0
	err := own.ListTaskDefinitionsPages(&ecs.ListTaskDefinitionsInput{FamilyPrefix: aws.String("walk"),
		MaxResults: aws.Int64(1)},
		func(page *ecs.ListTaskDefinitionsOutput, last bool) bool {
			pages++
			for _, arn := range page.TaskDefinitionArns {
				found = append(found, (*arn)[strings.LastIndex(*arn, "/")+1:])
			}
			return true
		})
	must("ecs: ListTaskDefinitions", err)
	same("ecs: definitions, page by page", found, []string{"walk:1", "walk:2", "walk:3"})
	check("ecs: no page has more than was asked for", pages >= 3, pages)
}

func walkTask(own *ecs.ECS, cluster *string) string {
	ran, err := own.RunTask(&ecs.RunTaskInput{Cluster: cluster, TaskDefinition: aws.String("walk"),
		NetworkConfiguration: network(),
		EnableExecuteCommand: aws.Bool(true), StartedBy: aws.String("go"), Tags: []*ecs.Tag{{Key: aws.String("walk"),
			Value: aws.String("go")}}})
	must("ecs: RunTask", err)
	task := ran.Tasks[0].TaskArn
	which := &ecs.DescribeTasksInput{Cluster: cluster, Tasks: []*string{task}, Include: aws.StringSlice([]string{"TAGS"})}
	must("ecs: waiter tasksRunning", own.WaitUntilTasksRunningWithContext(aws.BackgroundContext(), which, often(120)...))
	told, err := own.DescribeTasks(which)
	must("ecs: DescribeTasks", err)
	running := told.Tasks[0]
	same("ecs: a task that runs", []string{*running.LastStatus, *running.StartedBy, *running.Tags[0].Value},
		[]string{"RUNNING", "go", "go"})
	check("ecs: since a moment ago", time.Since(*running.StartedAt) < patience, running.StartedAt)
	executed, err := own.ExecuteCommand(&ecs.ExecuteCommandInput{Cluster: cluster, Task: task, Container: aws.String("main"),
		Interactive: aws.Bool(true), Command: aws.String("sh")})
	must("ecs: ExecuteCommand", err)
	check("ecs: a session", strings.HasPrefix(*executed.Session.StreamUrl, "ws") && *executed.Session.TokenValue != "",
		executed)
	_, err = own.StopTask(&ecs.StopTaskInput{Cluster: cluster, Task: task, Reason: aws.String("the walk is over")})
	must("ecs: StopTask", err)
	must("ecs: waiter tasksStopped", own.WaitUntilTasksStoppedWithContext(aws.BackgroundContext(), which, often(120)...))
	told, err = own.DescribeTasks(which)
	must("ecs: DescribeTasks", err)
	stopped := told.Tasks[0]
	same("ecs: a task that has stopped", []string{*stopped.StoppedReason, *stopped.StopCode}, []string{"the walk is over",
		"UserInitiated"})
	same("ecs: its exit code", *stopped.Containers[0].ExitCode, int64(0))
	return (*task)[strings.LastIndex(*task, "/")+1:]
}

func walkService(own *ecs.ECS, cluster *string) {
	name := aws.String("steps")
	_, err := own.CreateService(&ecs.CreateServiceInput{Cluster: cluster, ServiceName: name, TaskDefinition: aws.String("walk"),
		DesiredCount: aws.Int64(1), NetworkConfiguration: network()})
	must("ecs: CreateService", err)
	which := &ecs.DescribeServicesInput{Cluster: cluster, Services: []*string{name}}
	must("ecs: waiter servicesStable", own.WaitUntilServicesStableWithContext(aws.BackgroundContext(), which, often(120)...))
	_, err = own.UpdateService(&ecs.UpdateServiceInput{Cluster: cluster, Service: name, DesiredCount: aws.Int64(2)})
	must("ecs: UpdateService", err)
	must("ecs: waiter servicesStable", own.WaitUntilServicesStableWithContext(aws.BackgroundContext(), which, often(120)...))
	told, err := own.DescribeServices(which)
	must("ecs: DescribeServices", err)
	same("ecs: a service", []int64{*told.Services[0].RunningCount, *told.Services[0].DesiredCount}, []int64{2, 2})
	tasks := 0
	must("ecs: ListTasks", own.ListTasksPages(&ecs.ListTasksInput{Cluster: cluster, ServiceName: name,
		MaxResults: aws.Int64(1)},
		func(page *ecs.ListTasksOutput, last bool) bool { tasks += len(page.TaskArns); return true }))
	same("ecs: its tasks, page by page", tasks, 2)
	_, err = own.DeleteService(&ecs.DeleteServiceInput{Cluster: cluster, Service: name, Force: aws.Bool(true)})
	must("ecs: DeleteService", err)
	must("ecs: waiter servicesInactive", own.WaitUntilServicesInactiveWithContext(aws.BackgroundContext(), which,
		often(120)...))
}

func walkEcs(config client) string {
	own := ecs.New(config.session)
	made, err := own.CreateCluster(&ecs.CreateClusterInput{ClusterName: aws.String("walk"),
		Tags: []*ecs.Tag{{Key: aws.String("team"), Value: aws.String("walkers")}}})
	must("ecs: CreateCluster", err)
	cluster := made.Cluster.ClusterArn
	same("ecs: cluster", *cluster, "arn:aws:ecs:"+config.region+":"+account+":cluster/walk")
	_, err = own.TagResource(&ecs.TagResourceInput{ResourceArn: cluster, Tags: []*ecs.Tag{{Key: aws.String("more"),
		Value: aws.String("x")}}})
	must("ecs: TagResource", err)
	_, err = own.UntagResource(&ecs.UntagResourceInput{ResourceArn: cluster, TagKeys: aws.StringSlice([]string{"team"})})
	must("ecs: UntagResource", err)
	tags, err := own.ListTagsForResource(&ecs.ListTagsForResourceInput{ResourceArn: cluster})
	must("ecs: ListTagsForResource", err)
	same("ecs: tags", tags.Tags, []*ecs.Tag{{Key: aws.String("more"), Value: aws.String("x")}})
	walkDefinitions(own, config.region)
	task := walkTask(own, cluster)
	walkService(own, cluster)
	_, err = own.ListTasks(&ecs.ListTasksInput{Cluster: aws.String("other")})
	refused("ecs: no such cluster", err, ecs.ErrCodeClusterNotFoundException)
	_, isTyped := err.(*ecs.ClusterNotFoundException)
	check("ecs: as a type of its own", isTyped, err)
	_, err = own.DescribeTaskDefinition(&ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("other")})
	refused("ecs: no such definition", err, ecs.ErrCodeClientException)
	_, err = own.UpdateService(&ecs.UpdateServiceInput{Cluster: cluster, Service: aws.String("other")})
	refused("ecs: no such service", err, ecs.ErrCodeServiceNotFoundException)
	return task
}

func walkLogs(config client, task string) {
	own := cloudwatchlogs.New(config.session)
	printed := ""
	for end := time.Now().Add(patience); printed == "" && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		found, err := own.FilterLogEvents(&cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/walk"),
			FilterPattern:  aws.String("hello"),
			LogStreamNames: aws.StringSlice([]string{"go/main/" + task})})
		if err == nil && len(found.Events) > 0 {
			printed = *found.Events[0].Message
		}
	}
	same("logs: what the task has printed", printed, "hello from go")
	for _, name := range []string{"a", "b", "c"} {
		_, err := own.CreateLogGroup(&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/walk/" + name)})
		must("logs: CreateLogGroup", err)
	}
	_, err := own.CreateLogGroup(&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/walk/a")})
	refused("logs: a group twice", err, cloudwatchlogs.ErrCodeResourceAlreadyExistsException)
	var names []string
	must("logs: DescribeLogGroups", own.DescribeLogGroupsPages(
		&cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/walk/"), Limit: aws.Int64(2)},
		func(page *cloudwatchlogs.DescribeLogGroupsOutput, last bool) bool {
			for _, group := range page.LogGroups {
				names = append(names, *group.LogGroupName)
			}
			return true
		}))
	same("logs: groups, page by page", names, []string{"/walk/a", "/walk/b", "/walk/c"})
	group, stream := aws.String("/walk/a"), aws.String("s")
	_, err = own.CreateLogStream(&cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream})
	must("logs: CreateLogStream", err)
	_, err = own.PutLogEvents(&cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream,
		LogEvents: []*cloudwatchlogs.InputLogEvent{
			{Timestamp: aws.Int64(time.Now().UnixNano() / 1e6), Message: aws.String("one")}}})
	must("logs: PutLogEvents", err)
	read, err := own.GetLogEvents(&cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: stream,
		StartFromHead: aws.Bool(true)})
	must("logs: GetLogEvents", err)
	check("logs: events", len(read.Events) == 1 && *read.Events[0].Message == "one", read)
}

func walkCloudWatch(config client) {
	own := cloudwatch.New(config.session)
	dimensions := []*cloudwatch.Dimension{{Name: aws.String("Language"), Value: aws.String("go")}}
	at := time.Now().UTC().Truncate(time.Minute).Add(-2 * time.Minute)
	var figures []*cloudwatch.MetricDatum
	for _, value := range []float64{1, 2, 4} {
		figures = append(figures, &cloudwatch.MetricDatum{MetricName: aws.String("Steps"), Dimensions: dimensions,
			Timestamp: &at, Value: aws.Float64(value)})
	}
	_, err := own.PutMetricData(&cloudwatch.PutMetricDataInput{Namespace: aws.String("Walk"), MetricData: figures})
	must("cloudwatch: PutMetricData", err)
	told, err := own.GetMetricStatistics(&cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("Walk"),
		MetricName: aws.String("Steps"),
		Dimensions: dimensions, Period: aws.Int64(60), Statistics: aws.StringSlice([]string{"Sum", "Maximum"}),
		StartTime: aws.Time(at.Add(-time.Minute)), EndTime: aws.Time(at.Add(2 * time.Minute))})
	must("cloudwatch: GetMetricStatistics", err)
	check("cloudwatch: figures",
		len(told.Datapoints) == 1 && *told.Datapoints[0].Sum == 7 && *told.Datapoints[0].Maximum == 4 &&
			told.Datapoints[0].Timestamp.Equal(at), told)
	_, err = own.PutMetricAlarm(&cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("tired"), Namespace: aws.String("Walk"),
		MetricName: aws.String("Steps"), Dimensions: dimensions, Statistic: aws.String("Sum"), Period: aws.Int64(60),
		EvaluationPeriods: aws.Int64(1), Threshold: aws.Float64(5), ComparisonOperator: aws.String("GreaterThanThreshold")})
	must("cloudwatch: PutMetricAlarm", err)
	alarms, err := own.DescribeAlarms(&cloudwatch.DescribeAlarmsInput{AlarmNames: aws.StringSlice([]string{"tired"})})
	must("cloudwatch: DescribeAlarms", err)
	check("cloudwatch: alarm", len(alarms.MetricAlarms) == 1 && *alarms.MetricAlarms[0].Threshold == 5, alarms)
	_, err = own.DeleteAlarms(&cloudwatch.DeleteAlarmsInput{AlarmNames: aws.StringSlice([]string{"tired"})})
	must("cloudwatch: DeleteAlarms", err)
	_, err = own.SetAlarmState(&cloudwatch.SetAlarmStateInput{AlarmName: aws.String("tired"), StateValue: aws.String("OK"),
		StateReason: aws.String("x")})
	refused("cloudwatch: no such alarm", err, cloudwatch.ErrCodeResourceNotFound)
}

func walkSsm(config client) {
	own := ssm.New(config.session)
	for _, name := range []string{"a", "b", "c"} {
		_, err := own.PutParameter(&ssm.PutParameterInput{Name: aws.String("/walk/" + name), Value: aws.String("of " + name),
			Type: aws.String("SecureString")})
		must("ssm: PutParameter", err)
	}
	sealed, err := own.GetParameter(&ssm.GetParameterInput{Name: aws.String("/walk/a")})
	must("ssm: GetParameter", err)
	check("ssm: sealed", *sealed.Parameter.Value != "of a", sealed)
	var values []string
	must("ssm: GetParametersByPath", own.GetParametersByPathPages(
		&ssm.GetParametersByPathInput{Path: aws.String("/walk"), WithDecryption: aws.Bool(true), MaxResults: aws.Int64(2)},
		func(page *ssm.GetParametersByPathOutput, last bool) bool {
			for _, each := range page.Parameters {
				values = append(values, *each.Value)
			}
			return true
		}))
	same("ssm: by path, page by page", values, []string{"of a", "of b", "of c"})
	_, err = own.GetParameter(&ssm.GetParameterInput{Name: aws.String("/walk/d")})
	refused("ssm: no such parameter", err, ssm.ErrCodeParameterNotFound)
}

func walkSecrets(config client) {
	own := secretsmanager.New(config.session)
	made, err := own.CreateSecret(&secretsmanager.CreateSecretInput{Name: aws.String("walk"), SecretString: aws.String("one")})
	must("secrets: CreateSecret", err)
	_, err = own.PutSecretValue(&secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretBinary: []byte{0, 255}})
	must("secrets: PutSecretValue", err)
	now, err := own.GetSecretValue(&secretsmanager.GetSecretValueInput{SecretId: made.ARN})
	must("secrets: GetSecretValue", err)
	same("secrets: bytes", now.SecretBinary, []byte{0, 255})
	before, err := own.GetSecretValue(&secretsmanager.GetSecretValueInput{SecretId: aws.String("walk"),
		VersionStage: aws.String("AWSPREVIOUS")})
	must("secrets: GetSecretValue", err)
	same("secrets: the version before", *before.SecretString, "one")
	_, err = own.DeleteSecret(&secretsmanager.DeleteSecretInput{SecretId: made.ARN, ForceDeleteWithoutRecovery: aws.Bool(true)})
	must("secrets: DeleteSecret", err)
	_, err = own.GetSecretValue(&secretsmanager.GetSecretValueInput{SecretId: made.ARN})
	refused("secrets: no such secret", err, secretsmanager.ErrCodeResourceNotFoundException)
}

func walkEc2(config client) {
	own := ec2.New(config.session)
	vpcs, err := own.DescribeVpcs(&ec2.DescribeVpcsInput{})
	must("ec2: DescribeVpcs", err)
	vpc := vpcs.Vpcs[0].VpcId
	made, err := own.CreateSecurityGroup(&ec2.CreateSecurityGroupInput{GroupName: aws.String("walk"),
		Description: aws.String("of a walk"), VpcId: vpc})
	must("ec2: CreateSecurityGroup", err)
	rule := &ec2.IpPermission{IpProtocol: aws.String("tcp"), FromPort: aws.Int64(80), ToPort: aws.Int64(81),
		IpRanges: []*ec2.IpRange{{CidrIp: aws.String("10.0.0.0/8")}}}
	_, err = own.AuthorizeSecurityGroupIngress(&ec2.AuthorizeSecurityGroupIngressInput{GroupId: made.GroupId,
		IpPermissions: []*ec2.IpPermission{rule}})
	must("ec2: AuthorizeSecurityGroupIngress", err)
	which := &ec2.DescribeSecurityGroupsInput{GroupIds: []*string{made.GroupId}}
	told, err := own.DescribeSecurityGroups(which)
	must("ec2: DescribeSecurityGroups", err)
	rules := told.SecurityGroups[0].IpPermissions
	check("ec2: rules of a group", len(rules) == 1 && *rules[0].ToPort == 81 && *rules[0].IpRanges[0].CidrIp == "10.0.0.0/8",
		told)
	_, err = own.DeleteSecurityGroup(&ec2.DeleteSecurityGroupInput{GroupId: made.GroupId})
	must("ec2: DeleteSecurityGroup", err)
	_, err = own.DescribeSecurityGroups(which)
	refused("ec2: no such group", err, "InvalidGroup.NotFound")
}

type client struct {
	session *session.Session
	region  string
}

func main() {
	region := os.Getenv("AWS_REGION")
	made, err := session.NewSession(&aws.Config{Endpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL")),
		Region: aws.String(region)})
	must("a session", err)
	fmt.Println(aws.SDKName, aws.SDKVersion)
	config := client{made, region}
	walkSts(config)
	task := walkEcs(config)
	walkLogs(config, task)
	walkCloudWatch(config)
	walkSsm(config)
	walkSecrets(config)
	walkEc2(config)
	os.Exit(end())
}
