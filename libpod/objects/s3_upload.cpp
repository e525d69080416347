#include "objects/s3_upload.hpp"

#include "base/files.hpp"
#include "json/json.hpp"
#include "objects/s3_store.hpp"

#include <unistd.h>
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <thread>

namespace pod::objects {
namespace {

constexpr std::uint64_t max_parts = 10'000;

struct SentPart {
  std::string etag;    // as the store wrote it
  std::string sha256;  // of the bytes that were sent, in hex
};

/// What of an upload is known to have arrived: a file in the caller's folder, or nothing.
class Notes {
 public:
  Notes(const std::filesystem::path& folder, const std::string& where, const std::string& key, const Content& content,
        std::uint64_t part_size)
      : part_size_(part_size) {
    if (folder.empty()) return;
    const std::string name = where + "\n" + key + "\n" + digest::hex(content.sha256) + "\n" +
                             std::to_string(content.size) + "\n" + std::to_string(part_size);
    path_ = folder / ("upload-" + digest::hex(digest::sha256(name)).substr(0, 32) + ".json");
  }

  bool kept() const noexcept { return !path_.empty(); }
  void read() {
    if (path_.empty()) return;
    try {
      const auto text = base::read_file(path_, 4 << 20);
      if (!text) return;
      const json::Value value = json::parse(*text, "the note of an upload");
      upload = json::string_member(value, "upload", "the note of an upload");
      for (const json::Value& part : json::array_member(value, "parts", "the note of an upload"))
        parts[static_cast<int>(json::integer_member(part, "number", "a part"))] = {
            json::string_member(part, "etag", "a part"), json::string_member(part, "sha256", "a part")};
    } catch (const Error&) {
      upload.clear();  // a torn note costs no more than starting over
      parts.clear();
    }
  }
  void write() const {
    if (path_.empty()) return;
    json::Value list = json::Value::array();
    for (const auto& [number, part] : parts)
      list.push_back({{"number", number}, {"etag", part.etag}, {"sha256", part.sha256}});
    base::write_file_atomically(path_,
                                json::canonical({{"upload", upload}, {"parts", list}, {"part_size", part_size_}}));
  }
  void forget() const noexcept {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  std::string upload;
  std::map<int, SentPart> parts;

 private:
  std::filesystem::path path_;
  const std::uint64_t part_size_;
};

struct Part {
  int number = 0;
  std::uint64_t offset = 0, size = 0;
  digest::Sha256Value sha256{};
};

std::string base64_of(const digest::Sha256Value& value) {
  return digest::base64({reinterpret_cast<const char*>(value.data()), value.size()});
}

class Upload {
 public:
  Upload(S3Wire& wire, const std::string& key, const Content& content, const UploadOptions& options)
      : wire_(wire),
        key_(key),
        content_(content),
        part_size_(std::max(options.part_size, (content.size + max_parts - 1) / max_parts)),
        connections_(std::clamp(options.connections, 1, 64)),
        notes_(options.notes, wire.shown(), key, content, part_size_) {}

  Completion run() {
    notes_.read();
    if (!notes_.upload.empty() && !still_there()) {
      notes_.upload.clear();
      notes_.parts.clear();
    }
    if (notes_.upload.empty()) begin();
    try {
      send_parts();
    } catch (const Error& error) {
      // Parts that cost money and no one will use: unless they are noted, or the line is what failed.
      if (!notes_.kept() || error.code() == ErrorCode::corrupt) abandon();
      throw;
    }
    return complete();
  }

 private:
  S3Ask ask(const char* method, Pairs query) const {
    S3Ask made;
    made.request.method = method;
    made.request.key = key_;
    made.request.query = std::move(query);
    return made;
  }

  void begin() {
    S3Ask start = ask("POST", {{"uploads", ""}});
    start.request.headers = {{"x-amz-checksum-algorithm", "SHA256"},
                             {"x-amz-meta-sha256", digest::hex(content_.sha256)}};
    start.expected = {200};
    notes_.upload = parse_upload(wire_.send(start).response.body);
    notes_.write();
  }

  /// Keeps of the noted parts those that the store has.
  bool still_there() {
    std::map<int, S3Part> arrived;
    int marker = 0;
    for (;;) {
      Pairs query{{"uploadId", notes_.upload}};
      if (marker > 0) query.emplace_back("part-number-marker", std::to_string(marker));
      S3Ask list = ask("GET", query);
      list.expected = {200, 404};
      const http::Response response = wire_.send(list).response;
      if (response.status == 404) return false;
      const S3Parts page = parse_parts(response.body);
      for (const S3Part& part : page.parts) arrived[part.number] = part;
      if (!page.truncated) break;
      if (page.next <= marker)
        throw Error(ErrorCode::corrupt, "the list of parts at " + quote(wire_.shown()) + " goes in circles");
      marker = page.next;
    }
    std::erase_if(notes_.parts, [&](const auto& noted) {
      const auto found = arrived.find(noted.first);
      return found == arrived.end() || unquoted(found->second.etag) != unquoted(noted.second.etag) ||
             found->second.size != size_of(noted.first);
    });
    return true;
  }

  std::uint64_t size_of(int number) const {
    const std::uint64_t offset = static_cast<std::uint64_t>(number - 1) * part_size_;
    return offset >= content_.size ? 0 : std::min(part_size_, content_.size - offset);
  }

  /// One thread reads and hashes ahead by one part; the others send. A part's bytes are read again to be sent, so that
  /// no part is ever held in memory.
  void send_parts() {
    std::vector<std::thread> workers;
    const auto join = [&] {
      for (std::thread& worker : workers) worker.join();
    };
    try {
      for (int i = 0; i < connections_; ++i) workers.emplace_back([this] { work(); });
      plan();
    } catch (...) {
      fail(std::current_exception());
    }
    {
      const std::lock_guard lock(mutex_);
      planned_ = true;
    }
    changed_.notify_all();
    join();
    if (failure_) std::rethrow_exception(failure_);
  }

  void plan() {
    digest::Sha256 whole;
    std::vector<std::byte> buffer(256 << 10);
    const auto source = content_.open(0, content_.size);
    Part part;
    for (std::uint64_t offset = 0; offset < content_.size; offset += part.size) {
      part.number += 1;
      part.offset = offset;
      part.size = size_of(part.number);
      digest::Sha256 hash;
      for (std::uint64_t left = part.size; left > 0;) {
        wire_.context().cancel->check();
        const auto piece =
            std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size())));
        const std::size_t count = source->read(piece);
        if (count == 0) throw Error(ErrorCode::io, "what was to be stored as " + quote(key_) + " ended early");
        hash.update(base::ConstBytes(piece.first(count)));
        whole.update(base::ConstBytes(piece.first(count)));
        left -= count;
      }
      part.sha256 = hash.finish();
      parts_.push_back(part);
      std::unique_lock lock(mutex_);
      const auto noted = notes_.parts.find(part.number);
      if (noted != notes_.parts.end() && noted->second.sha256 == digest::hex(part.sha256)) continue;
      changed_.wait(lock, [&] { return failure_ || waiting_.size() < static_cast<std::size_t>(connections_); });
      if (failure_) return;
      waiting_.push_back(part);
      lock.unlock();
      changed_.notify_all();
    }
    if (whole.finish() != content_.sha256)
      throw Error(ErrorCode::corrupt, "what was to be stored as " + quote(key_) + " is not what its SHA-256 says");
  }

  void work() noexcept {
    try {
      for (;;) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return failure_ || planned_ || !waiting_.empty(); });
        if (failure_ || waiting_.empty()) return;
        const Part part = waiting_.front();
        waiting_.pop_front();
        lock.unlock();
        changed_.notify_all();
        const std::string etag = send(part);
        lock.lock();
        notes_.parts[part.number] = {etag, digest::hex(part.sha256)};
        notes_.write();
      }
    } catch (...) {
      fail(std::current_exception());
    }
  }

  void fail(std::exception_ptr failure) {
    {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::move(failure);
    }
    changed_.notify_all();
  }

  std::string send(const Part& part) {
    S3Ask put = ask("PUT", {{"partNumber", std::to_string(part.number)}, {"uploadId", notes_.upload}});
    put.request.size = part.size;
    put.request.sha256 = digest::hex(part.sha256);
    put.request.headers = {{"x-amz-checksum-sha256", base64_of(part.sha256)}};
    put.body = [&] { return checked_body(content_, key_, part.offset, part.size, part.sha256); };
    put.expected = {200};
    const http::Response response = wire_.send(put).response;
    const auto etag = response.header("etag");
    if (!etag) wire_.not_s3(response);
    return *etag;
  }

  Completion complete() {
    std::vector<S3Part> parts;
    std::vector<std::string> checksums;
    for (const Part& part : parts_) {
      parts.push_back({part.number, part.size, notes_.parts.at(part.number).etag});
      checksums.push_back(base64_of(part.sha256));
    }
    const std::string body = completion(parts, checksums);
    S3Ask end = ask("POST", {{"uploadId", notes_.upload}});
    end.request.size = body.size();
    end.request.sha256 = digest::hex(digest::sha256(body));
    end.request.headers = {{"if-none-match", "*"}};
    end.body = [&body] { return std::make_unique<base::MemorySource>(std::string_view(body)); };
    end.expected = {200, 404, 412};
    const S3Reply reply = wire_.send(end);
    if (reply.response.status == 412) {
      if (!reply.repeated) abandon();
      notes_.forget();
      return reply.repeated ? Completion::unclear : Completion::exists;
    }
    notes_.forget();
    return reply.response.status == 200 && !reply.repeated ? Completion::created : Completion::unclear;
  }

  void abandon() noexcept {
    try {
      S3Ask end = ask("DELETE", {{"uploadId", notes_.upload}});
      end.expected = {200, 204, 404};
      wire_.send(end);
    } catch (const std::exception&) {
      // The bucket's own rules remove what nobody completes.
    }
    notes_.forget();
  }

  S3Wire& wire_;
  const std::string& key_;
  const Content& content_;
  const std::uint64_t part_size_;
  const int connections_;
  Notes notes_;
  std::vector<Part> parts_;  // the planner's, until all have joined

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> waiting_;
  bool planned_ = false;
  std::exception_ptr failure_;
};

}  // namespace

Completion upload_in_parts(S3Wire& wire, const std::string& key, const Content& content, const UploadOptions& options) {
  return Upload(wire, key, content, options).run();
}

}  // namespace pod::objects
