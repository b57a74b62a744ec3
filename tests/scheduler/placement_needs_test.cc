#include "scheduler/placement_needs.h"
#include "support/definition_rules.h"

namespace berth::scheduler {
namespace {

TEST(PlacementNeeds, AreTheConstraintsAndTheGpusOfAllContainers) {
  std::string definition = definition_with(
      R"("family":"f","placementConstraints":[{"type":"memberOf","expression":"a"},)"
      R"({"type":"memberOf","expression":"b"}],)",
      R"("resourceRequirements":[{"type":"GPU","value":"2"}],)",
      R"(,{"name":"b","image":"i","resourceRequirements":[{"type":"GPU","value":"1"}]})");
  PlacementNeeds needs{.member_of = {"a", "b"}, .gpus = 3};
  EXPECT_EQ(placement_needs_of(definition, "").value(), needs);
  EXPECT_EQ(placement_needs_of(R"({"taskDefinition":)" + definition + "}", "").value(), needs);
  needs.gpus = 5;
  EXPECT_EQ(
      placement_needs_of(definition, R"({"containerOverrides":[{"name":"b",)"
                                     R"("resourceRequirements":[{"type":"GPU","value":"3"}]},)"
                                     R"({"name":"a","cpu":1}]})")
          .value(),
      needs);
  EXPECT_EQ(placement_needs_of(definition_with(kEc2, ""), "").value(), PlacementNeeds());
}

TEST(PlacementNeeds, RulesOfAws) {
  const std::string kHere = "containerDefinitions[0].resourceRequirements[0].";
  auto constraint = [](const std::string& members) {
    return definition_with(kEc2 + R"("placementConstraints":[{)" + members + "}],", "");
  };
  auto requirement = [](const std::string& members) {
    return definition_with(kEc2, R"("resourceRequirements":[)" + members + "],");
  };
  expect_each({
      {constraint(R"("type":"distinctInstance","expression":"x")"),
       "placementConstraints[0].type: constraint.type 'distinctInstance' is not supported."},
      {constraint(R"("type":"memberOf")"),
       "placementConstraints[0].expression: is required and must not be empty"},
      {constraint(R"("type":"memberOf","expression":"x","more":1)"),
       "placementConstraints[0].more: unknown field of TaskDefinitionPlacementConstraint"},
      {requirement(R"({"type":"TPU","value":"1"})"),
       kHere + "type: 'TPU' is not one of [GPU, InferenceAccelerator]"},
      {requirement(R"({"type":"InferenceAccelerator","value":"x"})"),
       kHere + "type: Unsupported field 'inferenceAccelerators'."},
      {requirement(R"({"type":"GPU","value":"0"})"),
       kHere + "value: '0' is no number of GPUs: 1 to 64"},
      {requirement(R"({"type":"GPU","value":"65"})"),
       kHere + "value: '65' is no number of GPUs: 1 to 64"},
      {requirement(R"({"type":"GPU","value":"1"},{"type":"GPU","value":"1"})"),
       "containerDefinitions[0].resourceRequirements[1].type: GPU is required more than once"},
  });
  std::string eleven = R"({"type":"memberOf","expression":"x"})";
  for (size_t i = 0; i < kPlacementConstraintsMax; ++i)
    eleven += R"(,{"type":"memberOf","expression":"x"})";
  expect_each({{definition_with(kEc2 + R"("placementConstraints":[)" + eleven + "],", ""),
                "placementConstraints: 11 placement constraints, at most 10 are allowed"}});
  EXPECT_TRUE(findings(requirement(R"({"type":"GPU","value":"64"})")).empty());
}

}  // namespace
}  // namespace berth::scheduler
