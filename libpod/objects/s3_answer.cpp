#include "objects/s3_answer.hpp"

#include "base/ascii.hpp"

#include <libpod/error.hpp>

#include <pugixml.hpp>

#include <charconv>
#include <ctime>

namespace pod::objects {
namespace {

constexpr std::size_t max_text = 4096;       // of a name, a token, a message
constexpr std::size_t max_entries = 10'000;  // a page has 1,000

[[noreturn]] void bad(std::string what) {
  throw Error(ErrorCode::corrupt, "what the store answered is not what it was asked for").because(std::move(what));
}

/// Some write a name space in front, some none.
std::string_view local_name(const pugi::xml_node& node) {
  std::string_view name = node.name();
  if (const std::size_t colon = name.find(':'); colon != name.npos) name.remove_prefix(colon + 1);
  return name;
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  for (pugi::xml_node at = node.first_child(); at; at = at.next_sibling())
    if (at.type() == pugi::node_element && local_name(at) == name) return at;
  return {};
}

std::string text(const pugi::xml_node& node, std::string_view name) {
  const std::string_view value = child(node, name).text().get();
  if (value.size() > max_text) bad("a <" + std::string(name) + "> is too long");
  return std::string(value);
}

template <class Number>
std::optional<Number> number(std::string_view digits) {
  Number value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!base::is_digits(digits) || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

template <class Number>
Number number_in(const pugi::xml_node& node, std::string_view name) {
  const auto value = number<Number>(text(node, name));
  if (!value) bad("a <" + std::string(name) + "> is no number");
  return *value;
}

/// The document's root, which has to be called `name`.
pugi::xml_node root(pugi::xml_document& document, std::string_view xml, std::string_view name) {
  const auto result = document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!result) bad("the XML is broken: " + printable(result.description()));
  const pugi::xml_node node = document.document_element();
  if (local_name(node) != name) bad("it is " + quote(local_name(node)) + " rather than " + quote(name));
  return node;
}

bool flag(const pugi::xml_node& node, std::string_view name) { return base::lower(text(node, name)) == "true"; }

/// Asked for with encoding-type=url.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(static_cast<unsigned char>(value));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::optional<std::int64_t> seconds(std::string_view text, const char* format) {
  std::tm parts{};
  const std::string copy(text);
  if (text.size() > 64 || ::strptime(copy.c_str(), format, &parts) == nullptr) return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&parts));
}

}  // namespace

std::optional<std::int64_t> parse_iso_time(std::string_view text) { return seconds(text, "%Y-%m-%dT%H:%M:%S"); }
std::optional<std::int64_t> parse_http_date(std::string_view text) {
  return seconds(text, "%a, %d %b %Y %H:%M:%S GMT");
}

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::optional<S3Error> parse_error(std::string_view xml) {
  try {
    pugi::xml_document document;
    pugi::xml_node node = root(document, xml, "Error");
    S3Error error{text(node, "Code"), text(node, "Message"), text(node, "Region"), text(node, "Endpoint")};
    if (error.code.empty()) return std::nullopt;
    return error;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

S3List parse_list(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node node = root(document, xml, "ListBucketResult");
  const bool encoded = text(node, "EncodingType") == "url";
  const auto name = [&](const pugi::xml_node& of, std::string_view what) {
    const std::string value = text(of, what);
    return encoded ? decoded(value) : value;
  };
  S3List list;
  for (pugi::xml_node at = node.first_child(); at; at = at.next_sibling()) {
    if (list.objects.size() + list.prefixes.size() > max_entries) bad("it has too many entries");
    if (local_name(at) == "Contents") {
      const auto modified = parse_iso_time(text(at, "LastModified"));
      if (!modified) bad("a <LastModified> is no time");
      list.objects.push_back(
          {name(at, "Key"), number_in<std::uint64_t>(at, "Size"), *modified, unquoted(text(at, "ETag"))});
    } else if (local_name(at) == "CommonPrefixes") {
      list.prefixes.push_back(name(at, "Prefix"));
    }
  }
  list.truncated = flag(node, "IsTruncated");
  list.next = text(node, "NextContinuationToken");
  if (list.truncated && list.next.empty()) bad("there is more, but not how to ask for it");
  return list;
}

S3Parts parse_parts(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_node node = root(document, xml, "ListPartsResult");
  S3Parts parts;
  for (pugi::xml_node at = node.first_child(); at; at = at.next_sibling()) {
    if (local_name(at) != "Part") continue;
    if (parts.parts.size() > max_entries) bad("it has too many entries");
    parts.parts.push_back({number_in<int>(at, "PartNumber"), number_in<std::uint64_t>(at, "Size"), text(at, "ETag")});
  }
  parts.truncated = flag(node, "IsTruncated");
  if (parts.truncated) parts.next = number_in<int>(node, "NextPartNumberMarker");
  return parts;
}

std::string parse_upload(std::string_view xml) {
  pugi::xml_document document;
  std::string id = text(root(document, xml, "InitiateMultipartUploadResult"), "UploadId");
  if (id.empty()) bad("an upload has no id");
  return id;
}

std::string completion(const std::vector<S3Part>& parts, const std::vector<std::string>& base64_sha256) {
  const auto escaped = [](std::string_view value) {
    std::string out;
    for (const char c : value) {
      if (c == '&')
        out += "&amp;";
      else if (c == '<')
        out += "&lt;";
      else if (c == '"')
        out += "&quot;";
      else
        out += c;
    }
    return out;
  };
  std::string xml = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    xml += "<Part><PartNumber>" + std::to_string(parts[i].number) + "</PartNumber><ETag>" + escaped(parts[i].etag) +
           "</ETag>";
    if (i < base64_sha256.size()) xml += "<ChecksumSHA256>" + base64_sha256[i] + "</ChecksumSHA256>";
    xml += "</Part>";
  }
  return xml + "</CompleteMultipartUpload>";
}

}  // namespace pod::objects
