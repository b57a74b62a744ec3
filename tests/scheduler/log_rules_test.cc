// The rules of log drivers and of log routers, each broken once, and how their options are read.
#include "scheduler/firelens.h"
#include "scheduler/log_receiver.h"
#include "scheduler/sizes.h"
#include "support/definition_rules.h"

namespace berth::scheduler {
namespace {

TEST(Rules, OfLogs) {
  const std::string kHere = "containerDefinitions[0].logConfiguration.";
  auto log = [](const std::string& driver, const std::string& options) {
    return R"("logConfiguration":{"logDriver":")" + driver + R"(","options":{)" + options + "}},";
  };
  auto awslogs = [&](const std::string& more) {
    return log("awslogs", R"("awslogs-group":"g","awslogs-region":"r")" + more);
  };
  auto gelf = [&](const std::string& address, const std::string& more) {
    return log("gelf", R"("gelf-address":")" + address + '"' + more);
  };
  auto json_file = [&](const std::string& options) { return log("json-file", options); };
  expect_each({
      {definition_with(kEc2, json_file(R"("max-sizes":"1","x":"2")")),
       kHere + "options: Log driver json-file disallows options: max-sizes, x"},
      {definition_with(kEc2, json_file(R"("max-size":"ten")")),
       kHere + "options.max-size: invalid size: 'ten'; it is a number of bytes, or one with k, m "
               "or g, as in 10m"},
      {definition_with(kEc2, json_file(R"("max-size":"0")")),
       kHere + "options.max-size: max-size must be a positive number"},
      {definition_with(kEc2, json_file(R"("max-file":"0")")),
       kHere + "options.max-file: max-file cannot be less than 1"},
      {definition_with(kEc2, json_file(R"("max-file":"two")")),
       kHere + "options.max-file: must be a number, not 'two'"},
      {definition_with(kEc2, json_file(R"("compress":"yes")")),
       kHere + "options.compress: must be true or false, not 'yes'"},
      {definition_with(kEc2, json_file(R"("compress":"true","max-file":"2")")),
       kHere + "options.compress: compress cannot be true when max-file is less than 2 or "
               "max-size is not set"},
      {definition_with(kEc2, json_file(R"("mode":"fast")")),
       kHere + "options.mode: logging mode not supported: fast; it is blocking or non-blocking"},
      {definition_with(kEc2, json_file(R"("mode":"blocking","max-buffer-size":"1m")")),
       kHere + "options.max-buffer-size: max-buffer-size option is only supported with "
               "'mode=non-blocking'"},
      {definition_with(kEc2, json_file(R"("labels-regex":"(")")),
       kHere + "options.labels-regex: pattern '(': Unmatched ( or \\("},
      {definition_with(kEc2, json_file(R"("tag":"{{.Nope}}")")),
       kHere + "options.tag: '.Nope' is not one of [.ID, .FullID, .Name, .ImageID, .ImageFullID, "
               ".ImageName, .DaemonName]"},
      {definition_with(kEc2, json_file(R"("tag":"{{.ID")")),
       kHere + "options.tag: '{{' without '}}'"},
      {definition_with(kEc2, awslogs(R"(,"awslogs-create-group":"false")")),
       kHere + "options.awslogs-create-group: Log driver awslogs option 'awslogs-create-group' "
               "should only be set to 'true', else omit option."},
      {definition_with(kEc2, awslogs(R"(,"log_key":"x")")),
       kHere + "options: Log driver awslogs disallows options: log_key"},
      {definition_with(kEc2, awslogs(R"(,"awslogs-datetime-format":"%Q")")),
       kHere + "options.awslogs-datetime-format: '%Q' is not one of [%a, %A, %b, %B, %d, %f, %H, "
               "%I, %j, %L, %m, %M, %p, %S, %w, %y, %Y, %z, %Z]"},
      {definition_with(
           kEc2, awslogs(R"(,"awslogs-datetime-format":"%Y","awslogs-multiline-pattern":"^x")")),
       kHere + "options.awslogs-multiline-pattern: you cannot configure log opt "
               "'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time"},
      {definition_with(kEc2, awslogs(R"(,"awslogs-multiline-pattern":"[")")),
       kHere + "options.awslogs-multiline-pattern: pattern '[': a bracket is not closed"},
      {definition_with(kEc2, awslogs(R"(,"awslogs-stream-prefix":"a:b")")),
       kHere + "options.awslogs-stream-prefix: must be at most 200 characters without ':' and '*'"},
      {definition_with(kEc2, log("awslogs", R"("awslogs-group":"a b","awslogs-region":"r")")),
       kHere + "options.awslogs-group: 'a b' is no name of a log group: 1 to 512 letters, digits, "
               "'.', '-', '_', '/' and '#'"},
      {definition_with(kEc2, log("syslog", R"("syslog-address":"host:514")")),
       kHere + "options.syslog-address: 'host:514': must be as in udp://HOST:PORT, tcp://HOST:PORT "
               "or unix:///PATH"},
      {definition_with(kEc2, log("syslog", R"("syslog-address":"tcp+tls://host")")),
       kHere + "options.syslog-address: not supported: 'tcp+tls://host'; berth sends logs over no "
               "TLS yet: use a relay on this host"},
      {definition_with(kEc2, log("syslog", R"("syslog-facility":"local9")")),
       kHere +
           "options.syslog-facility: invalid syslog facility 'local9'; it is one of kern, user, "
           "mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp, local0 to local7, "
           "or 0 to 23"},
      {definition_with(kEc2, log("syslog", R"("syslog-format":"rfc1")")),
       kHere + "options.syslog-format: 'rfc1' is not one of [rfc3164, rfc5424, rfc5424micro]"},
      {definition_with(kEc2, log("syslog", R"("syslog-tls-cert":"/c")")),
       kHere + "options.syslog-tls-cert: not supported: berth sends logs over no TLS yet"},
      {definition_with(kEc2, log("journald", R"("max-size":"1m")")),
       kHere + "options: Log driver journald disallows options: max-size"},
      {definition_with(kEc2, log("fluentd", R"("fluentd-address":"tcp://h:1/x")")),
       kHere + "options.fluentd-address: 'tcp://h:1/x': should not have a path element"},
      {definition_with(kEc2, log("fluentd", R"("fluentd-retry-wait":"soon")")),
       kHere + "options.fluentd-retry-wait: invalid duration 'soon'; it is as in 500ms or 1m30s"},
      {definition_with(kEc2, log("fluentd", R"("fluentd-max-retries":"-1")")),
       kHere + "options.fluentd-max-retries: must be a number, not '-1'"},
      {definition_with(kEc2, log("splunk", "")),
       kHere + "logDriver: not supported: log driver 'splunk'; berth delivers logs to json-file, "
               "awslogs, syslog, journald, gelf, fluentd and awsfirelens"},
      {definition_with(kEc2, log("gelf", "")),
       kHere + "options.gelf-address: gelf-address is a required parameter"},
      {definition_with(kEc2, gelf("udp://host", "")),
       kHere + "options.gelf-address: 'udp://host': must be as in udp://HOST:PORT or "
               "tcp://HOST:PORT"},
      {definition_with(kEc2, gelf("udp://h:1", R"(,"gelf-compression-type":"zip")")),
       kHere + "options.gelf-compression-type: 'zip' is not one of [gzip, zlib, none]"},
      {definition_with(kEc2, gelf("udp://h:1", R"(,"gelf-compression-level":"10")")),
       kHere + "options.gelf-compression-level: must be a number from -1 to 9, not '10'"},
      {definition_with(kEc2, gelf("tcp://h:1", R"(,"gelf-compression-type":"gzip")")),
       kHere + "options.gelf-compression-type: compression is only supported on UDP"},
      {definition_with(kEc2, gelf("udp://h:1", R"(,"gelf-tcp-max-reconnect":"1")")),
       kHere + "options.gelf-tcp-max-reconnect: 'gelf-tcp-max-reconnect' is only valid for TCP"},
      {definition_with(kEc2, gelf("tcp://h:1", R"(,"gelf-tcp-reconnect-delay":"-1")")),
       kHere + "options.gelf-tcp-reconnect-delay: 'gelf-tcp-reconnect-delay' must be a positive "
               "integer, not '-1'"},
      {definition_with(kFargate, log("syslog", "")),
       kHere + "logDriver: syslog is not a valid log driver. Must be one of [awslogs,splunk,"
               "awsfirelens]"},
      {definition_with(kEc2, log("file", "")),
       kHere + "logDriver: file is not a valid log driver. Must be one of [json-file,syslog,"
               "journald,gelf,fluentd,awslogs,splunk,awsfirelens]"},
  });
  EXPECT_EQ(findings(definition_with(
                kEc2, json_file(R"("max-size":"10m","max-file":"3","compress":"true","labels":"a",)"
                                R"("env":"b","env-regex":"^c","tag":"{{.Name}}",)"
                                R"("mode":"non-blocking","max-buffer-size":"4m")"))),
            std::vector<std::string>{});
  for (const std::string& good :
       {gelf("udp://h:1", R"(,"gelf-compression-type":"zlib","gelf-compression-level":"-1")"),
        gelf("tcp://h:1", R"(,"gelf-tcp-max-reconnect":"0","gelf-tcp-reconnect-delay":"2")")}) {
    EXPECT_EQ(findings(definition_with(kEc2, good)), std::vector<std::string>{});
  }
  EXPECT_EQ(findings(definition_with(
                kFargate + R"("executionRoleArn":"r",)",
                awslogs(R"(,"awslogs-stream-prefix":"p","awslogs-create-group":"true")"
                        R"(,"awslogs-datetime-format":"[%b %d, %Y %H:%M:%S]","mode":"blocking")"))),
            std::vector<std::string>{});
}

TEST(Rules, OfSecretOptions) {
  const std::string kHere = "containerDefinitions[0].logConfiguration.";
  const std::string kRole = kEc2 + R"("executionRoleArn":"r",)";
  auto log = [](const std::string& driver, const std::string& options, const std::string& name) {
    return R"("logConfiguration":{"logDriver":")" + driver + R"(","options":{)" + options +
           R"(},"secretOptions":[{"name":")" + name + R"(","valueFrom":"p"}]},)";
  };
  const std::string kAwslogs = R"("awslogs-group":"g","awslogs-region":"r")";
  expect_each({
      {definition_with(kEc2, log("fluentd", "", "tag")),
       kHere + "secretOptions: When you are specifying container secrets, you must also specify a "
               "value for 'executionRoleArn'."},
      {definition_with(kRole, log("fluentd", "", "splunk-token")),
       kHere + "secretOptions[0].name: Log driver fluentd disallows options: splunk-token"},
      {definition_with(kRole, log("awslogs", kAwslogs, "awslogs-group")),
       kHere + "secretOptions[0].name: not supported: awslogs-group as a secret; berth keeps the "
               "stream on this host, under that name"},
  });
  EXPECT_EQ(findings(definition_with(kRole, log("fluentd", "", "tag"))),
            std::vector<std::string>{});
  // Whether a combination is good is told when the secret is known.
  EXPECT_EQ(findings(definition_with(
                kRole, log("gelf", R"("gelf-tcp-max-reconnect":"1")", "gelf-address"))),
            std::vector<std::string>{});
  EXPECT_EQ(findings(definition_with(
                kRole, log("json-file", R"("max-size":"1m","compress":"true")", "max-file"))),
            std::vector<std::string>{});
}

TEST(Rules, OfFirelens) {
  const std::string kTask = kEc2 + R"("executionRoleArn":"r",)";
  // A router "r" before the container at hand, which is the second then.
  auto with_router = [&](const std::string& task, const std::string& router,
                         const std::string& container) {
    return "{" + task + R"("containerDefinitions":[{"name":"r","image":"i",)" +
           R"("firelensConfiguration":{)" + router + "}},{" + container +
           R"("name":"a","image":"i"}]})";
  };
  auto log = [](const std::string& options) {
    return R"("logConfiguration":{"logDriver":"awsfirelens","options":{)" + options + "}},";
  };
  const std::string kBit = R"("type":"fluentbit")";
  const std::string kRouter = "containerDefinitions[0].firelensConfiguration";
  const std::string kLog = "containerDefinitions[1].logConfiguration.";
  auto options = [&](const std::string& text) { return kBit + R"(,"options":{)" + text + "}"; };
  expect_each({
      {definition_with(kTask, log("")),
       "containerDefinitions[0].logConfiguration.logDriver: When awsfirelens log driver is "
       "specified in log configuration, a firelens configuration object must be configured in one "
       "of the containers."},
      {with_router(kTask, kBit, ""),
       kRouter + ": When a firelensConfiguration object is specified, at least one container has "
                 "to be configured with the awsfirelens log driver."},
      {with_router(kTask, kBit, log("") + R"("firelensConfiguration":{"type":"fluentd"},)"),
       "containerDefinitions[1].firelensConfiguration: at most one container of a task can be its "
       "log router"},
      {with_router(kTask, R"("type":"vector")", log("")),
       kRouter + ".type: 'vector' is not one of [fluentd, fluentbit]"},
      {with_router(kTask, options(R"("config-file-type":"http","config-file-value":"x")"), log("")),
       kRouter + ".options.config-file-type: invalid value http is specified for option "
                 "config-file-type"},
      {with_router(kTask, options(R"("config-file-type":"file")"), log("")),
       kRouter + ".options.config-file-type: option config-file-type is specified but "
                 "config-file-value is not specified"},
      {with_router(kTask, options(R"("config-file-type":"s3","config-file-value":"x")"), log("")),
       kRouter + ".options.config-file-value: Invalid arn syntax."},
      {with_router(kTask, options(R"("metadata":"true")"), log("")),
       kRouter + ".options.metadata: not supported: berth knows enable-ecs-log-metadata, "
                 "config-file-type and config-file-value"},
      {with_router(kTask, kBit, log(R"("region":"r")")),
       kLog + "options: unable to apply log options of container a to firelens config: missing "
              "output key Name which is required for firelens configuration of type fluentbit"},
      {with_router(kTask, R"("type":"fluentd")", log(R"("Name":"http")")),
       kLog + "options: unable to apply log options of container a to firelens config: missing "
              "output key @type which is required for firelens configuration of type fluentd"},
      {with_router(kTask, kBit, log(R"("log-driver-buffer-limit":"536870912")")),
       kLog + "options.log-driver-buffer-limit: must be a number of lines, at least 0 and less "
              "than 536870912, not '536870912'"},
  });
  // Options are the output's, whatever other drivers mean by them.
  EXPECT_EQ(findings(with_router(kTask, kBit,
                                 log(R"("Name":"loki","labels":"a=b","compress":"gzip",)"
                                     R"("mode":"x","log-driver-buffer-limit":"536870911",)"
                                     R"("include-pattern":"a","exclude-pattern":"b")"))),
            std::vector<std::string>{});
}

TEST(Firelens, TheRouterStartsFirstUnlessItWaitsItself) {
  auto order = [](const std::string& router) {
    std::string text = R"({"family":"f","memory":"512","containerDefinitions":[
        {"name":"a","image":"i","logConfiguration":{"logDriver":"awsfirelens"}},
        {"name":"b","image":"i"},
        {"name":"r","image":"i",)" +
                       router + R"("firelensConfiguration":{"type":"fluentbit"}}]})";
    auto document = json::Document::parse(text, {.name = "test"});
    auto parsed = parse_task_definition(document->root(), CpuArchitecture::kX86_64);
    EXPECT_EQ(parsed.findings.size(), 0U);
    return start_order(parsed.definition);
  };
  EXPECT_EQ(order(""), (std::vector<size_t>{1, 2, 0}));
  EXPECT_EQ(order(R"("dependsOn":[{"containerName":"a","condition":"START"}],)"),
            (std::vector<size_t>{0, 1, 2}));
}

TEST(LogReceiver, AddressesAndDurations) {
  EXPECT_EQ(*parse_syslog_address("udp://1.2.3.4"), (LogAddress{"udp", "1.2.3.4", 514}));
  EXPECT_EQ(*parse_syslog_address("tcp://[::1]:99"), (LogAddress{"tcp", "::1", 99}));
  EXPECT_EQ(*parse_syslog_address("unixgram:///dev/log"), (LogAddress{"unixgram", "/dev/log", 0}));
  EXPECT_EQ(*parse_gelf_address("udp://[::1]:12201"), (LogAddress{"udp", "::1", 12201}));
  for (const char* text : {"", "h:1", "unix:///x", "udp://h", "tcp://:1", "tcp://h:1/x"}) {
    EXPECT_FALSE(parse_gelf_address(text)) << text;
  }
  EXPECT_EQ(*parse_fluentd_address("host"), (LogAddress{"tcp", "host", 24224}));
  EXPECT_EQ(*parse_fluentd_address("unix:///f.sock"), (LogAddress{"unix", "/f.sock", 0}));
  for (const char* text :
       {"", "udp://", "http://h", "tcp://h:0", "tcp://h:x", "tcp://[::1", "unix://x"}) {
    EXPECT_FALSE(parse_syslog_address(text)) << text;
  }
  EXPECT_EQ(parse_go_duration_ms("1m30s"), 90000U);
  EXPECT_EQ(parse_go_duration_ms("1.5s"), 1500U);
  EXPECT_EQ(parse_go_duration_ms("0"), 0U);
  for (const char* text : {"", "1", "s", "-1s", "1x"}) {
    EXPECT_EQ(parse_go_duration_ms(text), std::nullopt) << text;
  }
}

TEST(Sizes, OfDocker) {
  EXPECT_EQ(parse_docker_size("10m", 1000), 10000000U);
  EXPECT_EQ(parse_docker_size("1.5 GiB", 1024), 3ULL << 29);
  EXPECT_EQ(parse_docker_size("512", 1000), 512U);
  EXPECT_EQ(parse_docker_size("1kb", 1024), 1024U);
  EXPECT_EQ(parse_docker_size("2B", 1000), 2U);
  for (const char* text : {"", "m", "-1", "1  ", "1x", "1mm", "1.2.3", "1e3", "99999999p", " 1"}) {
    EXPECT_EQ(parse_docker_size(text, 1000), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace berth::scheduler
