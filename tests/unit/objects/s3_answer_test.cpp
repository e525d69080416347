#include "objects/s3_answer.hpp"
#include "objects/s3_store.hpp"

#include <doctest/doctest.h>
#include <libpod/error.hpp>

namespace pod::objects {
namespace {

TEST_CASE("an error is read, with where the bucket is") {
  const auto error = parse_error(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>PermanentRedirect</Code><Message>go &amp; see</Message>"
      "<Endpoint>team.s3.eu-west-1.amazonaws.com</Endpoint><Region>eu-west-1</Region></Error>");
  REQUIRE(error);
  CHECK(error->code == "PermanentRedirect");
  CHECK(error->message == "go & see");
  CHECK(error->region == "eu-west-1");
  CHECK(error->endpoint == "team.s3.eu-west-1.amazonaws.com");
  for (const char* none :
       {"", "x", "<html><body>Error</body></html>", "<Error/>", "<Error><Code>A</Code>", "<a><Error/></a>"})
    CHECK_FALSE(parse_error(none));
}

TEST_CASE("a page of a list is read as AWS writes it, and as others do") {
  const S3List list = parse_list(
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix>p/</Prefix>"
      "<NextContinuationToken>1ueGcx+/=</NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys>"
      "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<Contents><Key>p/a%2Bb+c%0A</Key><LastModified>2026-11-26T21:00:00.123Z</LastModified>"
      "<ETag>&quot;70ee&quot;</ETag><Size>4294967296</Size></Contents>"
      "<CommonPrefixes><Prefix>p/x/</Prefix></CommonPrefixes></ListBucketResult>");
  REQUIRE(list.objects.size() == 1);
  CHECK(list.objects[0].key == "p/a+b c\n");
  CHECK(list.objects[0].size == 4294967296);
  CHECK(list.objects[0].modified == 1795726800);
  CHECK(list.objects[0].etag == "70ee");
  CHECK(list.prefixes == std::vector<std::string>{"p/x/"});
  CHECK(list.truncated);
  CHECK(list.next == "1ueGcx+/=");
  const S3List bare =
      parse_list("<s3:ListBucketResult xmlns:s3='x'><s3:IsTruncated>false</s3:IsTruncated></s3:ListBucketResult>");
  CHECK(bare.objects.empty());
  CHECK_FALSE(bare.truncated);
}

TEST_CASE("an answer that is something else is corrupt") {
  const auto code = [](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::internal;
  };
  const std::string head = "<ListBucketResult><IsTruncated>";
  for (const std::string& bad :
       {std::string(), std::string("<html/>"), std::string("{}"), std::string("<ListBucketResult>"),
        head + "true</IsTruncated></ListBucketResult>",
        head +
            "false</IsTruncated><Contents><Key>a</Key><Size>-1</Size><LastModified>2026-11-26T21:00:00Z</LastModified>"
            "</Contents></ListBucketResult>",
        head + "false</IsTruncated><Contents><Key>a</Key><Size>1</Size><LastModified>now</LastModified></Contents>"
               "</ListBucketResult>",
        head + "false</IsTruncated><Contents><Key>" + std::string(5000, 'a') +
            "</Key><Size>1</Size><LastModified>2026-11-26T21:00:00Z</LastModified></Contents></ListBucketResult>"})
    CHECK(code([&] { parse_list(bad); }) == ErrorCode::corrupt);
  CHECK(code([] { parse_upload("<InitiateMultipartUploadResult/>"); }) == ErrorCode::corrupt);
  CHECK(code([] { parse_parts("<ListPartsResult><Part><PartNumber>x</PartNumber></Part></ListPartsResult>"); }) ==
        ErrorCode::corrupt);
  // As deep as it may be sent; what reads it does not go down on the stack.
  std::string deep;
  for (int i = 0; i < 200'000; ++i) deep += "<a>";
  CHECK(code([&] { parse_list(deep); }) == ErrorCode::corrupt);
  std::string nested = "<ListBucketResult>" + deep;
  for (int i = 0; i < 200'000; ++i) nested += "</a>";
  CHECK_FALSE(parse_list(nested + "</ListBucketResult>").truncated);
}

TEST_CASE("an upload's parts are read, and named in order to complete it") {
  CHECK(parse_upload("<InitiateMultipartUploadResult><Bucket>b</Bucket><UploadId>2~x</UploadId>"
                     "</InitiateMultipartUploadResult>") == "2~x");
  const S3Parts parts = parse_parts(
      "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>"
      "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag><Size>5</Size></Part>"
      "<Part><PartNumber>2</PartNumber><ETag>\"b\"</ETag><Size>6</Size></Part></ListPartsResult>");
  REQUIRE(parts.parts.size() == 2);
  CHECK(parts.parts[1].number == 2);
  CHECK(parts.parts[1].size == 6);
  CHECK(parts.next == 2);
  CHECK(completion(parts.parts, {"AA==", "BB=="}) ==
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag><ChecksumSHA256>AA==</ChecksumSHA256></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>&quot;b&quot;</ETag><ChecksumSHA256>BB==</ChecksumSHA256></Part>"
        "</CompleteMultipartUpload>");
}

TEST_CASE("times are read as S3 and HTTP write them") {
  CHECK(parse_iso_time("2013-05-24T00:00:00.000Z") == 1369353600);
  CHECK(parse_http_date("Fri, 24 May 2013 00:00:00 GMT") == 1369353600);
  CHECK_FALSE(parse_iso_time("yesterday"));
  CHECK_FALSE(parse_http_date(""));
}

TEST_CASE("what was found of a bucket is kept as JSON") {
  S3Traits traits;
  traits.create_only = true;
  traits.match = S3Traits::Match::unquoted;
  traits.payload_checked = true;
  CHECK(traits.to_json() ==
        "{\"checksum_checked\":false,\"create_only\":true,\"format\":1,\"match\":\"unquoted\","
        "\"payload_checked\":true,\"ranges\":false,\"read_after_write\":false}\n");
  CHECK(S3Traits::from_json(traits.to_json()) == traits);
  for (const char* bad : {"", "{}", "[]", "{\"format\":2}"}) CHECK_THROWS_AS(S3Traits::from_json(bad), Error);
  CHECK(traits.lacking() == "what was stored cannot be read back");
  traits.read_after_write = traits.ranges = true;
  CHECK(traits.lacking().empty());
  traits.match = S3Traits::Match::no;
  CHECK(traits.lacking() == "it does not replace an object only where it is unchanged (If-Match)");
}

}  // namespace
}  // namespace pod::objects
