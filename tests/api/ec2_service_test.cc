#include "api/ec2_service.h"

#include "api/ec2_operations.h"
#include "api/front_door.h"
#include "aws/xml.h"
#include "support/api_doc.h"
#include "support/front_door.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace berth::api {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

netns::BridgePlan test_bridge() {
  return netns::make_bridge_plan({.instance = "ec2_service_test"}).value();
}

netns::Vpc test_vpc() {
  netns::Vpc vpc;
  vpc.net = test_bridge().subnet;
  vpc.net6 = *parse_ipv6_net("fd00:be::/64");
  vpc.subnets.push_back({.id = "subnet-1", .net = vpc.net, .zone = "a", .net6 = vpc.net6});
  netns::SecurityGroup web;
  web.name = "web";
  netns::GroupRule rule;
  rule.traffic = netns::Traffic::kTcp;
  rule.first_port = 80;
  rule.last_port = 90;
  rule.nets.push_back({Ipv4{0x0a000000}, 8});
  rule.groups.push_back("web");
  web.ingress.push_back(rule);
  vpc.groups.push_back(web);
  return vpc;
}

class Ec2Test : public testing::Test {
 protected:
  Ec2Settings settings() {
    return {.host = test_host(),
            .root = directory_.path(),
            .bridge = test_bridge(),
            .vpc = test_vpc(),
            .interfaces = [] {
              return std::vector<TaskInterface>{{.id = "eni-1",
                                                 .attachment_id = "attachment",
                                                 .description = "task t",
                                                 .subnet = "subnet-1",
                                                 .address = "172.29.0.2",
                                                 .mac = "02:00:00:00:00:01",
                                                 .address6 = "fd00:be::ac1d:2",
                                                 .groups = {"web"}}};
            }};
  }
  Answer ask(const std::string& operation, const std::string& form) {
    return ec2_.answer({.operation = operation,
                        .body = form,
                        .caller = {"123456789012", "eu-central-1", "arn", "k"},
                        .at = clock_.wall(),
                        .is_form = true});
  }
  std::string good(const std::string& operation, const std::string& form = "") {
    Answer answer = ask(operation, form);
    EXPECT_TRUE(answer) << operation << ": " << answer.error().code << ": "
                        << answer.error().message;
    return answer.value_or("");
  }
  Refusal refusal(const std::string& operation, const std::string& form) {
    Answer answer = ask(operation, form);
    EXPECT_FALSE(answer) << operation << " " << form << ": " << answer.value_or("");
    return answer ? Refusal{} : answer.error();
  }
  std::string code(const std::string& operation, const std::string& form) {
    return refusal(operation, form).code;
  }
  std::string make_group(const std::string& name) {
    std::string made = good("CreateSecurityGroup",
                            "GroupName=" + name + "&GroupDescription=of+a+test&VpcId=vpc-1");
    std::smatch id;
    EXPECT_TRUE(std::regex_search(made, id, std::regex("<groupId>(sg-[0-9a-f]{17})</groupId>")));
    return id[1];
  }

  sys::TemporaryDirectory directory_ = sys::TemporaryDirectory::make("/tmp", "berth-ec2-").value();
  ManualClock clock_;
  SeededRng rng_{5};
  Ec2Service ec2_{settings(), Env{clock_, rng_}};
};

const std::string kPort80 =
    "&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=80"
    "&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.9%2F8&IpPermissions.1.IpRanges.1.Description=why";

TEST_F(Ec2Test, EveryOperationIsInTheTable) {
  expect_documented(ec2::all_operations(), "ec2-api.md");
  EXPECT_EQ(code("RunInstances", ""), unknown_operation("").code);
}

TEST_F(Ec2Test, TheVpcOfTheHostIsThere) {
  EXPECT_THAT(good("DescribeVpcs"), AllOf(HasSubstr("<vpcSet><item><vpcId>vpc-1</vpcId>"),
                                          HasSubstr("<cidrBlock>172.29.0.0/16</cidrBlock>"),
                                          HasSubstr("<isDefault>true</isDefault>")));
  EXPECT_THAT(
      good("DescribeSubnets", "SubnetId.1=subnet-1&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-%2A"),
      AllOf(HasSubstr("<subnetId>subnet-1</subnetId>"),
            HasSubstr("<availabilityZone>eu-central-1a</availabilityZone>"),
            HasSubstr("<availableIpAddressCount>65533</availableIpAddressCount>")));
  EXPECT_EQ(good("DescribeSubnets", "Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-2"),
            "<subnetSet></subnetSet>");
  EXPECT_THAT(
      good("DescribeAvailabilityZones"),
      AllOf(HasSubstr("<zoneName>eu-central-1a</zoneName>"), HasSubstr("<zoneId>euc1-az1</zoneId>"),
            HasSubstr("<groupName>eu-central-1-zg-1</groupName>")));
  EXPECT_THAT(good("DescribeRegions"), HasSubstr("<regionName>eu-central-1</regionName>"));
  EXPECT_THAT(good("DescribeAccountAttributes", "AttributeName.1=default-vpc"),
              AllOf(HasSubstr("<attributeValue>vpc-1</attributeValue>"),
                    Not(HasSubstr("supported-platforms"))));
  EXPECT_THAT(
      good("DescribeNetworkInterfaces", "Filter.1.Name=group-id&Filter.1.Value.1=sg-web"),
      AllOf(HasSubstr("<networkInterfaceId>eni-1</networkInterfaceId>"),
            HasSubstr("<privateDnsName>ip-172-29-0-2.eu-central-1.compute.internal"),
            HasSubstr("<groupSet><item><groupId>sg-web</groupId><groupName>web</groupName>")));
  EXPECT_EQ(refusal("DescribeVpcs", "VpcId.1=vpc-2"),
            (Refusal{"InvalidVpcID.NotFound", "The vpc ID 'vpc-2' does not exist"}));
  EXPECT_EQ(refusal("DescribeSubnets", "Filter.1.Name=colour&Filter.1.Value.1=x"),
            (Refusal{"InvalidParameterValue", "The filter 'colour' is invalid"}));
}

TEST_F(Ec2Test, GroupsOfTheConfigurationAreShownAndStay) {
  std::string shown = good("DescribeSecurityGroups", "GroupId.1=sg-web");
  EXPECT_THAT(
      shown,
      AllOf(HasSubstr("<ipProtocol>tcp</ipProtocol><fromPort>80</fromPort><toPort>90</toPort>"
                      "<groups><item><groupId>sg-web</groupId><userId>123456789012</userId></item>"
                      "</groups><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges>"),
            HasSubstr("<ipPermissionsEgress></ipPermissionsEgress>")));
  EXPECT_THAT(good("DescribeSecurityGroups", "GroupName.1=default"),
              AllOf(HasSubstr("<groupId>sg-1</groupId>"), HasSubstr("0.0.0.0/0")));
  EXPECT_EQ(code("AuthorizeSecurityGroupIngress", "GroupId=sg-web" + kPort80),
            "OperationNotPermitted");
  EXPECT_EQ(code("DeleteSecurityGroup", "GroupId=sg-web"), "OperationNotPermitted");
  EXPECT_EQ(code("DeleteSecurityGroup", "GroupId=sg-1"), "CannotDelete");
}

TEST_F(Ec2Test, AGroupIsMadeGivenRulesAndRemoved) {
  std::string id = make_group("app");
  EXPECT_THAT(good("DescribeSecurityGroups", "GroupId.1=" + id),
              AllOf(HasSubstr("<ipPermissions></ipPermissions>"),
                    HasSubstr("<ipPermissionsEgress><item><ipProtocol>-1</ipProtocol>")));
  // As AWS does it, the network of an address is taken.
  EXPECT_THAT(
      good("AuthorizeSecurityGroupIngress", "GroupId=" + id + kPort80),
      AllOf(HasSubstr("<return>true</return>"), HasSubstr("<cidrIpv4>10.0.0.0/8</cidrIpv4>"),
            HasSubstr("<description>why</description>")));
  EXPECT_EQ(refusal("AuthorizeSecurityGroupIngress", "GroupId=" + id + kPort80),
            (Refusal{"InvalidPermission.Duplicate",
                     "the specified rule \"peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, "
                     "ALLOW\" already exists"}));

  // Another service over the same files: what was answered is on the disk.
  Ec2Service next(settings(), Env{clock_, rng_});
  Answer rules = next.answer({.operation = "DescribeSecurityGroupRules",
                              .body = "Filter.1.Name=group-id&Filter.1.Value.1=" + id});
  ASSERT_TRUE(rules);
  std::smatch rule;
  ASSERT_TRUE(std::regex_search(*rules, rule,
                                std::regex("<securityGroupRuleId>(sgr-[0-9a-f]{17})</security"
                                           "GroupRuleId>[^!]*?<isEgress>false</isEgress>")));
  EXPECT_EQ(code("RevokeSecurityGroupEgress", "GroupId=" + id + kPort80),
            "InvalidPermission.NotFound");
  good("RevokeSecurityGroupIngress", "GroupId=" + id + kPort80);
  EXPECT_EQ(code("RevokeSecurityGroupIngress", "GroupId=" + id + kPort80),
            "InvalidPermission.NotFound");
  good("DeleteSecurityGroup", "GroupId=" + id);
  EXPECT_EQ(refusal("DescribeSecurityGroups", "GroupId.1=" + id),
            (Refusal{"InvalidGroup.NotFound", "The security group '" + id + "' does not exist"}));
}

TEST_F(Ec2Test, RulesAndNetworksAreOfIpv6Too) {
  EXPECT_THAT(good("DescribeSubnets"), HasSubstr("<ipv6CidrBlock>fd00:be::/64</ipv6CidrBlock>"));
  EXPECT_THAT(good("DescribeVpcs"), HasSubstr("<ipv6CidrBlock>fd00:be::/64</ipv6CidrBlock>"));
  EXPECT_THAT(good("DescribeNetworkInterfaces"),
              HasSubstr("<ipv6Address>fd00:be::ac1d:2</ipv6Address>"));
  std::string id = make_group("app");
  EXPECT_THAT(good("DescribeSecurityGroups", "GroupId.1=" + id),
              HasSubstr("<ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>"));
  std::string ping =
      "GroupId=" + id +
      "&IpPermissions.1.IpProtocol=58&IpPermissions.1.FromPort=128&IpPermissions.1.ToPort=-1"
      "&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=fd00%3A%3A1%2F8";
  EXPECT_THAT(good("AuthorizeSecurityGroupIngress", ping),
              AllOf(HasSubstr("<ipProtocol>icmpv6</ipProtocol>"),
                    HasSubstr("<cidrIpv6>fd00::/8</cidrIpv6>")));
  EXPECT_EQ(code("AuthorizeSecurityGroupIngress", ping), "InvalidPermission.Duplicate");
  good("RevokeSecurityGroupIngress", ping);
}

TEST_F(Ec2Test, AGroupThatAnotherNamesStays) {
  std::string app = make_group("app");
  std::string database = make_group("database");
  std::string pair = "GroupId=" + database +
                     "&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=" + app;
  good("AuthorizeSecurityGroupIngress", pair);
  EXPECT_EQ(code("DeleteSecurityGroup", "GroupId=" + app), "DependencyViolation");
  good("RevokeSecurityGroupIngress", pair);
  good("DeleteSecurityGroup", "GroupName=app");
}

TEST_F(Ec2Test, RulesAreChangedByTheirIds) {
  std::string id = make_group("app");
  std::string made = good("AuthorizeSecurityGroupIngress", "GroupId=" + id + kPort80);
  std::smatch rule;
  ASSERT_TRUE(std::regex_search(made, rule, std::regex("(sgr-[0-9a-f]{17})")));
  std::string change = "GroupId=" + id +
                       "&SecurityGroupRule.1.SecurityGroupRuleId=" + rule[1].str() +
                       "&SecurityGroupRule.1.SecurityGroupRule.";
  good("ModifySecurityGroupRules",
       change +
           "IpProtocol=icmp&SecurityGroupRule.1.SecurityGroupRule.FromPort=8"
           "&SecurityGroupRule.1.SecurityGroupRule.ToPort=-1"
           "&SecurityGroupRule.1.SecurityGroupRule.ReferencedGroupId=sg-web");
  EXPECT_THAT(good("DescribeSecurityGroupRules", "SecurityGroupRuleId.1=" + rule[1].str()),
              AllOf(HasSubstr("<ipProtocol>icmp</ipProtocol><fromPort>8</fromPort>"
                              "<toPort>-1</toPort>"),
                    HasSubstr("<referencedGroupInfo><groupId>sg-web</groupId>")));
  good("CreateTags", "ResourceId.1=" + rule[1].str() + "&Tag.1.Key=team&Tag.1.Value=blue");
  EXPECT_THAT(good("DescribeTags", "Filter.1.Name=key&Filter.1.Value.1=te%3Fm"),
              HasSubstr("<resourceType>security-group-rule</resourceType><key>team</key>"));
  good("DeleteTags", "ResourceId.1=" + rule[1].str() + "&Tag.1.Key=team&Tag.1.Value=red");
  EXPECT_THAT(good("DescribeTags"), HasSubstr("blue"));
  good("DeleteTags", "ResourceId.1=" + rule[1].str() + "&Tag.1.Key=team");
  EXPECT_EQ(good("DescribeTags"), "<tagSet></tagSet>");
  good("RevokeSecurityGroupIngress", "GroupId=" + id + "&SecurityGroupRuleId.1=" + rule[1].str());
}

TEST_F(Ec2Test, PagesAndRehearsals) {
  make_group("one");
  make_group("two");
  std::string first = good("DescribeSecurityGroups", "MaxResults=3");
  std::smatch token;
  ASSERT_TRUE(std::regex_search(first, token, std::regex("<nextToken>(.+)</nextToken>")));
  std::string second = good("DescribeSecurityGroups", "MaxResults=3&NextToken=" + token[1].str());
  EXPECT_THAT(second, Not(HasSubstr("nextToken")));
  for (const char* name : {"default", "web", "one", "two"}) {  // in the order of their ids
    std::string shown = std::string("<groupName>") + name + "</groupName>";
    bool on_first = first.find(shown) != std::string::npos;
    bool on_second = second.find(shown) != std::string::npos;
    EXPECT_NE(on_first, on_second) << name;
  }
  Refusal rehearsed = refusal("CreateSecurityGroup", "GroupName=x&GroupDescription=x&DryRun=true");
  EXPECT_EQ(rehearsed.code, "DryRunOperation");
  EXPECT_EQ(rehearsed.status, 412);
  EXPECT_EQ(code("DescribeVpcs", "DryRun=true"), "DryRunOperation");
  EXPECT_THAT(good("DescribeSecurityGroups"), Not(HasSubstr("<groupName>x<")));
}

TEST_F(Ec2Test, WhatCannotBeIsRefusedInEc2sWords) {
  std::string id = make_group("app");
  const std::string make = "CreateSecurityGroup";
  const std::string allow = "AuthorizeSecurityGroupIngress";
  auto rule = [&](const std::string& members) { return "GroupId=" + id + "&" + members; };
  struct Case {
    std::string operation;
    std::string form;
    std::string code;
    std::string text;
  };
  const std::vector<Case> cases = {
      {make, "GroupDescription=x", "MissingParameter", "GroupName"},
      {make, "GroupName=app&GroupDescription=x", "InvalidGroup.Duplicate",
       "The security group 'app' already exists for VPC 'vpc-1'"},
      {make, "GroupName=default&GroupDescription=x", "InvalidGroup.Reserved", "default"},
      {make, "GroupName=sg-x&GroupDescription=x", "InvalidParameterValue", "sg-*"},
      {make, "GroupName=x&GroupDescription=x&VpcId=vpc-9", "InvalidVpcID.NotFound", "vpc-9"},
      {allow, "GroupId=sg-0123456789", "InvalidGroup.NotFound", "'sg-0123456789' does not exist"},
      {allow, "", "MissingParameter", "groupName or groupId"},
      {allow, "GroupId=" + id, "MissingParameter", "ipPermissions"},
      {allow, rule("IpProtocol=tcp&FromPort=9&ToPort=8&CidrIp=0.0.0.0%2F0"),
       "InvalidParameterValue", "Invalid TCP/UDP port range (9:8)"},
      {allow, rule("IpProtocol=tcp&CidrIp=0.0.0.0%2F0"), "InvalidParameterValue",
       "Must specify both from and to ports"},
      {allow, rule("IpProtocol=tcp&FromPort=1&ToPort=2&CidrIp=1.2.3%2F8"), "InvalidParameterValue",
       "CIDR block 1.2.3/8 is malformed"},
      {allow, rule("IpProtocol=xyz&CidrIp=0.0.0.0%2F0"), "InvalidParameterValue",
       "Invalid value 'xyz' for IP protocol. Unknown protocol."},
      {allow, rule("IpProtocol=47&CidrIp=0.0.0.0%2F0"), "UnsupportedOperation", "'47'"},
      {allow,
       rule("IpPermissions.1.IpProtocol=-1&IpPermissions.1.PrefixListIds.1.PrefixListId=pl-1"),
       "UnsupportedOperation", "IpPermissions[0].PrefixListIds"},
      {allow,
       rule("IpPermissions.1.IpProtocol=-1&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=10.0.0.0%2F8"),
       "InvalidParameterValue", "CIDR block 10.0.0.0/8 is malformed"},
      {allow, rule("IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=sg-12345678"),
       "InvalidGroup.NotFound", "sg-12345678"},
      {allow, rule("IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=sg-1"),
       "UnsupportedOperation", "members of none"},
      {"CreateTags", "ResourceId.1=vpc-1&Tag.1.Key=a&Tag.1.Value=b", "InvalidID", "vpc-1"},
      {"DescribeVpcs", "VpcId=a&VpcId.1=b", "MalformedQueryString", "VpcId"},
  };
  for (const Case& each : cases) {
    Refusal refused = refusal(each.operation, each.form);
    EXPECT_EQ(refused.code, each.code) << each.form;
    EXPECT_THAT(refused.message, HasSubstr(each.text)) << each.form;
  }
  EXPECT_THAT(good("DescribeSecurityGroups", "GroupId.1=" + id),
              HasSubstr("<ipPermissions></ipPermissions>"));
}

TEST_F(Ec2Test, TheDoorSpeaksEc2sProtocol) {
  FrontDoor door(test_key(), test_host(), Env{clock_, rng_});
  door.open("ec2", ec2_);
  auto post = [&](const std::string& form, const std::string& service) {
    return door.answer(sign(form_request(form), {.service = service, .time = clock_.wall()}),
                       Entrance::kSigned);
  };
  http::Response answer = post("Action=DescribeVpcs&Version=2016-11-15", "ec2");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, AllOf(HasSubstr("<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/"
                                           "doc/2016-11-15/\"><requestId>"),
                                 HasSubstr("<vpcSet>")));
  http::Response unknown = post("Action=RunInstances&Version=2016-11-15", "ec2");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_THAT(unknown.body,
              HasSubstr("<Response><Errors><Error><Code>InvalidAction</Code><Message>The action "
                        "RunInstances is not valid for this web service.</Message></Error></Errors>"
                        "<RequestID>"));
  http::Response forged =
      door.answer(sign(form_request("Action=DescribeVpcs&Version=2016-11-15"),
                       {.credentials = credentials_of({"AKIATESTTESTTESTTEST", Secret("another")}),
                        .service = "ec2",
                        .time = clock_.wall()}),
                  Entrance::kSigned);
  EXPECT_EQ(forged.status, 401);
  EXPECT_THAT(forged.body, HasSubstr("<Code>AuthFailure</Code>"));
}

}  // namespace
}  // namespace berth::api
