# A walk with what Debian has of the SDK for Ruby (tests/conformance/sdk ruby): its core with STS, its
# credentials and its signer. With the signer, ECS is asked by Ruby's own HTTP client, whose bodies of
# unknown length go in chunks.
require "aws-sdk-core"
require "aws-sigv4"
require "json"
require "net/http"
require "stringio"

ACCOUNT = "123456789012"
ENDPOINT = ENV.fetch("AWS_ENDPOINT_URL")
REGION = ENV.fetch("AWS_REGION")
$failures = 0

def check(what, holds, seen)
  $failures += 1 unless holds
  puts(holds ? "ok      #{what}" : "FAILED  #{what}: #{seen.inspect}")
end

def same(what, seen, wanted)
  check(what, seen == wanted, seen)
end

def refused(what, type)
  check(what, false, yield)
rescue Aws::Errors::ServiceError => error
  check(what, error.instance_of?(type), error)
end

def sts(**options)
  Aws::STS::Client.new(endpoint: ENDPOINT, region: REGION, **options)
end

def walk_sts
  same("sts: who am I", sts.get_caller_identity.arn, "arn:aws:iam::#{ACCOUNT}:root")
  role = { role_arn: "arn:aws:iam::#{ACCOUNT}:role/walk", role_session_name: "ruby" }
  keys = Aws::AssumeRoleCredentials.new(client: sts, **role)
  same("sts: as a role", sts(credentials: keys).get_caller_identity.arn, "arn:aws:sts::#{ACCOUNT}:assumed-role/walk/ruby")
  check("sts: keys end in an hour", (keys.expiration - Time.now - 3600).abs < 120, keys.expiration)
  given = keys.credentials
  forged = Aws::Credentials.new(given.access_key_id, "guessed", given.session_token)
  refused("sts: another secret", Aws::STS::Errors::SignatureDoesNotMatch) { sts(credentials: forged).get_caller_identity }
  unknown = Aws::Credentials.new("AKIAIOSFODNN7EXAMPLE", "guessed")
  refused("sts: another key", Aws::STS::Errors::InvalidClientTokenId) { sts(credentials: unknown).get_caller_identity }
  asked = "#{ENDPOINT}/?Action=GetCallerIdentity&Version=2011-06-15"
  answer = Net::HTTP.get_response(signer("sts").presign_url(http_method: "GET", url: asked, expires_in: 60))
  same("sts: a presigned URL", [answer.code, answer.body.include?(":root</Arn>")], ["200", true])
end

def signer(service)
  Aws::Sigv4::Signer.new(service: service, region: REGION, access_key_id: ENV.fetch("AWS_ACCESS_KEY_ID"),
                         secret_access_key: ENV.fetch("AWS_SECRET_ACCESS_KEY"))
end

# The body is signed as a whole and sent in chunks.
def ask_ecs(http, operation, asked)
  body = JSON.generate(asked)
  request = Net::HTTP::Post.new("/", "Content-Type" => "application/x-amz-json-1.1",
                                     "X-Amz-Target" => "AmazonEC2ContainerServiceV20141113.#{operation}")
  uri = URI(ENDPOINT)
  request["Host"] = "#{uri.host}:#{uri.port}"
  signed = signer("ecs").sign_request(http_method: "POST", url: ENDPOINT, body: body,
                               headers: { "host" => request["Host"], "content-type" => request["Content-Type"],
                                          "x-amz-target" => request["X-Amz-Target"] })
  signed.headers.each { |name, value| request[name] = value }
  request["Transfer-Encoding"] = "chunked"
  request.body_stream = StringIO.new(body)
  answer = http.request(request)
  [answer.code, JSON.parse(answer.body)]
end

def walk_ecs
  uri = URI(ENDPOINT)
  Net::HTTP.start(uri.host, uri.port) do |http|
    code, made = ask_ecs(http, "CreateCluster", { clusterName: "walk" })
    same("ecs: a cluster", [code, made.dig("cluster", "status")], ["200", "ACTIVE"])
    # Of many chunks, on the same connection.
    environment = (1..200).map { |number| { name: "NUMBER_#{number}", value: "x" * 200 } }
    container = { name: "main", image: ENV.fetch("WALK_IMAGE"), memory: 64, environment: environment }
    code, made = ask_ecs(http, "RegisterTaskDefinition", { family: "walk", containerDefinitions: [container] })
    names = made.dig("taskDefinition", "containerDefinitions", 0, "environment")&.map { |each| each["name"] }
    same("ecs: a definition in many chunks", [code, names&.sort || made], ["200", environment.map { |each| each[:name] }.sort])
    code, refusal = ask_ecs(http, "DescribeTaskDefinition", { taskDefinition: "other" })
    same("ecs: a refusal", [code, refusal["__type"]], ["400", "ClientException"])
  end
end

begin
  puts "aws-sdk-core #{Aws::CORE_GEM_VERSION}, ruby #{RUBY_VERSION}"
  walk_sts
  walk_ecs
rescue StandardError => error
  check("the walk comes to its end", false, error.full_message(highlight: false))
end
puts "#{$failures} failures"
exit($failures.zero? ? 0 : 1)
