// A walk through berthd's services with the SDK for Go, version 2 (tests/conformance/sdk go_v2). One line for each check.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	metrictypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const account = "123456789012"
const patience = 2 * time.Minute

var always = context.Background()
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

// That it is refused, by the type that the SDK has for it.
func refused[Type error](what string, err error) {
	var typed Type
	check(what, errors.As(err, &typed), err)
}

func end() int {
	fmt.Printf("%d failures\n", failures)
	if failures > 0 {
		return 1
	}
	return 0
}

func walkSts(settings aws.Config) {
	own := sts.NewFromConfig(settings)
	me, err := own.GetCallerIdentity(always, &sts.GetCallerIdentityInput{})
	must("sts: GetCallerIdentity", err)
	same("sts: who am I", *me.Arn, "arn:aws:iam::"+account+":root")
	role, err := own.AssumeRole(always, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/walk"),
		RoleSessionName: aws.String("go")})
	must("sts: AssumeRole", err)
	as := func(secret string) (*sts.GetCallerIdentityOutput, error) {
		other := settings.Copy()
		other.Credentials = credentials.NewStaticCredentialsProvider(*role.Credentials.AccessKeyId, secret,
			*role.Credentials.SessionToken)
		return sts.NewFromConfig(other).GetCallerIdentity(always, &sts.GetCallerIdentityInput{})
	}
	who, err := as(*role.Credentials.SecretAccessKey)
	must("sts: as a role", err)
	same("sts: as a role", *who.Arn, "arn:aws:sts::"+account+":assumed-role/walk/go")
	_, err = as("guessed")
	var coded smithy.APIError
	check("sts: another secret", errors.As(err, &coded) && coded.ErrorCode() == "SignatureDoesNotMatch", err)
}

func network() *types.NetworkConfiguration {
	return &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}}}
}

func walkDefinitions(own *ecs.Client, region string) {
	script := "echo hello from go; trap 'exit 0' TERM; while :; do sleep 1; done"
	for revision := int32(1); revision <= 3; revision++ {
		made, err := own.RegisterTaskDefinition(always, &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("walk"), NetworkMode: types.NetworkModeAwsvpc, Cpu: aws.String("256"), Memory: aws.String("128"),
			ContainerDefinitions: []types.ContainerDefinition{{
				Name: aws.String("main"), Image: aws.String(os.Getenv("WALK_IMAGE")), Command: []string{"sh", "-c", script},
				LogConfiguration: &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
					"awslogs-group": "/walk", "awslogs-region": region, "awslogs-stream-prefix": "go",
					"awslogs-create-group": "true"}},
			}},
		})
		must("ecs: RegisterTaskDefinition", err)
		same("ecs: a revision", made.TaskDefinition.Revision, revision)
	}
	var found []string
	pages := ecs.NewListTaskDefinitionsPaginator(own, &ecs.ListTaskDefinitionsInput{FamilyPrefix: aws.String("walk"),
		MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(always)
		must("ecs: ListTaskDefinitions", err)
		check("ecs: no page has more than was asked for", len(page.TaskDefinitionArns) <= 1, page)
		for _, arn := range page.TaskDefinitionArns {
			found = append(found, arn[strings.LastIndex(arn, "/")+1:])
		}
	}
	same("ecs: definitions, page by page", found, []string{"walk:1", "walk:2", "walk:3"})
}

func walkTask(own *ecs.Client, cluster *string) string {
	ran, err := own.RunTask(always, &ecs.RunTaskInput{Cluster: cluster, TaskDefinition: aws.String("walk"),
		NetworkConfiguration: network(),
		EnableExecuteCommand: true, Tags: []types.Tag{{Key: aws.String("walk"), Value: aws.String("go")}}})
	must("ecs: RunTask", err)
	task := *ran.Tasks[0].TaskArn
	which := &ecs.DescribeTasksInput{Cluster: cluster, Tasks: []string{task}, Include: []types.TaskField{types.TaskFieldTags}}
	must("ecs: waiter tasksRunning", ecs.NewTasksRunningWaiter(own).Wait(always, which, patience,
		func(options *ecs.TasksRunningWaiterOptions) {
			options.MinDelay, options.MaxDelay = time.Second, time.Second
		}))
	told, err := own.DescribeTasks(always, which)
	must("ecs: DescribeTasks", err)
	same("ecs: a task that runs", []string{*told.Tasks[0].LastStatus, *told.Tasks[0].Tags[0].Value}, []string{"RUNNING", "go"})
	executed, err := own.ExecuteCommand(always, &ecs.ExecuteCommandInput{Cluster: cluster, Task: &task,
		Container:   aws.String("main"),
		Interactive: true, Command: aws.String("sh")})
	must("ecs: ExecuteCommand", err)
	check("ecs: a session", strings.HasPrefix(*executed.Session.StreamUrl, "ws") && *executed.Session.TokenValue != "",
		executed)
	_, err = own.StopTask(always, &ecs.StopTaskInput{Cluster: cluster, Task: &task, Reason: aws.String("the walk is over")})
	must("ecs: StopTask", err)
	must("ecs: waiter tasksStopped", ecs.NewTasksStoppedWaiter(own).Wait(always, which, patience,
		func(options *ecs.TasksStoppedWaiterOptions) {
			options.MinDelay, options.MaxDelay = time.Second, time.Second
		}))
	told, err = own.DescribeTasks(always, which)
	must("ecs: DescribeTasks", err)
	stopped := told.Tasks[0]
	same("ecs: a task that has stopped", *stopped.StoppedReason, "the walk is over")
	same("ecs: why", stopped.StopCode, types.TaskStopCodeUserInitiated)
	same("ecs: its exit code", *stopped.Containers[0].ExitCode, int32(0))
	return task[strings.LastIndex(task, "/")+1:]
}

func walkService(own *ecs.Client, cluster *string) {
	name := aws.String("steps")
	_, err := own.CreateService(always, &ecs.CreateServiceInput{Cluster: cluster, ServiceName: name,
		TaskDefinition: aws.String("walk"),
		DesiredCount:   aws.Int32(2), NetworkConfiguration: network()})
	must("ecs: CreateService", err)
	which := &ecs.DescribeServicesInput{Cluster: cluster, Services: []string{*name}}
	must("ecs: waiter servicesStable", ecs.NewServicesStableWaiter(own).Wait(always, which, patience,
		func(options *ecs.ServicesStableWaiterOptions) {
			options.MinDelay, options.MaxDelay = time.Second, time.Second
		}))
	told, err := own.DescribeServices(always, which)
	must("ecs: DescribeServices", err)
	same("ecs: a service", []int32{told.Services[0].RunningCount, told.Services[0].DesiredCount}, []int32{2, 2})
	_, err = own.DeleteService(always, &ecs.DeleteServiceInput{Cluster: cluster, Service: name, Force: aws.Bool(true)})
	must("ecs: DeleteService", err)
	must("ecs: waiter servicesInactive", ecs.NewServicesInactiveWaiter(own).Wait(always, which, patience,
		func(options *ecs.ServicesInactiveWaiterOptions) {
			options.MinDelay, options.MaxDelay = time.Second, time.Second
		}))
}

func walkEcs(settings aws.Config) string {
	own := ecs.NewFromConfig(settings)
	made, err := own.CreateCluster(always, &ecs.CreateClusterInput{ClusterName: aws.String("walk"),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("walkers")}}})
	must("ecs: CreateCluster", err)
	cluster := made.Cluster.ClusterArn
	same("ecs: cluster", *cluster, "arn:aws:ecs:"+settings.Region+":"+account+":cluster/walk")
	tags, err := own.ListTagsForResource(always, &ecs.ListTagsForResourceInput{ResourceArn: cluster})
	must("ecs: ListTagsForResource", err)
	check("ecs: tags", len(tags.Tags) == 1 && *tags.Tags[0].Value == "walkers", tags)
	walkDefinitions(own, settings.Region)
	task := walkTask(own, cluster)
	walkService(own, cluster)
	_, err = own.ListTasks(always, &ecs.ListTasksInput{Cluster: aws.String("other")})
	refused[*types.ClusterNotFoundException]("ecs: no such cluster", err)
	_, err = own.DescribeTaskDefinition(always, &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String("other")})
	refused[*types.ClientException]("ecs: no such definition", err)
	_, err = own.UpdateService(always, &ecs.UpdateServiceInput{Cluster: cluster, Service: aws.String("other")})
	refused[*types.ServiceNotFoundException]("ecs: no such service", err)
	return task
}

func walkLogs(settings aws.Config, task string) {
	own := cloudwatchlogs.NewFromConfig(settings)
	printed := ""
	for end := time.Now().Add(patience); printed == "" && time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		found, err := own.FilterLogEvents(always, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/walk"),
			FilterPattern: aws.String("hello"), LogStreamNames: []string{"go/main/" + task}})
		if err == nil && len(found.Events) > 0 {
			printed = *found.Events[0].Message
		}
	}
	same("logs: what the task has printed", printed, "hello from go")
	for _, name := range []string{"a", "b", "c"} {
		_, err := own.CreateLogGroup(always, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/walk/" + name)})
		must("logs: CreateLogGroup", err)
	}
	_, err := own.CreateLogGroup(always, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/walk/a")})
	refused[*logtypes.ResourceAlreadyExistsException]("logs: a group twice", err)
	var names []string
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(own,
		&cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/walk/"), Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(always)
		must("logs: DescribeLogGroups", err)
		for _, group := range page.LogGroups {
			names = append(names, *group.LogGroupName)
		}
	}
	same("logs: groups, page by page", names, []string{"/walk/a", "/walk/b", "/walk/c"})
}

func walkCloudWatch(settings aws.Config) {
	own := cloudwatch.NewFromConfig(settings)
	dimensions := []metrictypes.Dimension{{Name: aws.String("Language"), Value: aws.String("go")}}
	at := time.Now().UTC().Truncate(time.Minute).Add(-2 * time.Minute)
	var figures []metrictypes.MetricDatum
	for _, value := range []float64{1, 2, 4} {
		figures = append(figures, metrictypes.MetricDatum{MetricName: aws.String("Steps"), Dimensions: dimensions,
			Timestamp: &at, Value: aws.Float64(value)})
	}
	_, err := own.PutMetricData(always, &cloudwatch.PutMetricDataInput{Namespace: aws.String("Walk"), MetricData: figures})
	must("cloudwatch: PutMetricData", err)
	told, err := own.GetMetricStatistics(always, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("Walk"),
		MetricName: aws.String("Steps"),
		Dimensions: dimensions, Period: aws.Int32(60), Statistics: []metrictypes.Statistic{metrictypes.StatisticSum},
		StartTime: aws.Time(at.Add(-time.Minute)), EndTime: aws.Time(at.Add(2 * time.Minute))})
	must("cloudwatch: GetMetricStatistics", err)
	check("cloudwatch: sum",
		len(told.Datapoints) == 1 && *told.Datapoints[0].Sum == 7 && told.Datapoints[0].Timestamp.Equal(at), told)
	_, err = own.SetAlarmState(always, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("other"),
		StateValue: metrictypes.StateValueOk, StateReason: aws.String("x")})
	refused[*metrictypes.ResourceNotFound]("cloudwatch: no such alarm", err)
}

func walkSsm(settings aws.Config) {
	own := ssm.NewFromConfig(settings)
	for _, name := range []string{"a", "b", "c"} {
		_, err := own.PutParameter(always, &ssm.PutParameterInput{Name: aws.String("/walk/" + name),
			Value: aws.String("of " + name), Type: ssmtypes.ParameterTypeSecureString})
		must("ssm: PutParameter", err)
	}
	var values []string
	pages := ssm.NewGetParametersByPathPaginator(own, &ssm.GetParametersByPathInput{Path: aws.String("/walk"),
		WithDecryption: aws.Bool(true), MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(always)
		must("ssm: GetParametersByPath", err)
		for _, each := range page.Parameters {
			values = append(values, *each.Value)
		}
	}
	same("ssm: by path, page by page", values, []string{"of a", "of b", "of c"})
	_, err := own.GetParameter(always, &ssm.GetParameterInput{Name: aws.String("/walk/d")})
	refused[*ssmtypes.ParameterNotFound]("ssm: no such parameter", err)
}

func walkSecrets(settings aws.Config) {
	own := secretsmanager.NewFromConfig(settings)
	made, err := own.CreateSecret(always, &secretsmanager.CreateSecretInput{Name: aws.String("walk"), SecretBinary: []byte{0,
		255}})
	must("secrets: CreateSecret", err)
	now, err := own.GetSecretValue(always, &secretsmanager.GetSecretValueInput{SecretId: made.ARN})
	must("secrets: GetSecretValue", err)
	same("secrets: bytes", now.SecretBinary, []byte{0, 255})
	_, err = own.CreateSecret(always, &secretsmanager.CreateSecretInput{Name: aws.String("walk"),
		SecretString: aws.String("x")})
	refused[*secrettypes.ResourceExistsException]("secrets: a name twice", err)
	_, err = own.DeleteSecret(always, &secretsmanager.DeleteSecretInput{SecretId: made.ARN,
		ForceDeleteWithoutRecovery: aws.Bool(true)})
	must("secrets: DeleteSecret", err)
	_, err = own.GetSecretValue(always, &secretsmanager.GetSecretValueInput{SecretId: made.ARN})
	refused[*secrettypes.ResourceNotFoundException]("secrets: no such secret", err)
}

func main() {
	endpoint := func(service, region string, options ...interface{}) (aws.Endpoint, error) {
		// Without the region nothing would be signed for any.
		return aws.Endpoint{URL: os.Getenv("AWS_ENDPOINT_URL"), SigningRegion: region}, nil
	}
	settings, err := config.LoadDefaultConfig(always, config.WithRegion(os.Getenv("AWS_REGION")),
		config.WithEndpointResolverWithOptions(aws.EndpointResolverWithOptionsFunc(endpoint)))
	must("settings", err)
	fmt.Println("aws-sdk-go-v2", aws.SDKVersion)
	walkSts(settings)
	task := walkEcs(settings)
	walkLogs(settings, task)
	walkCloudWatch(settings)
	walkSsm(settings)
	walkSecrets(settings)
	os.Exit(end())
}
