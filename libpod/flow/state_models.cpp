#include "flow/state_models.hpp"

#include "digest/digest.hpp"
#include "metamodel/metamodel.hpp"
#include "reading/state_file.hpp"

#include <libpod/error.hpp>

#include <span>

namespace pod::flow {
namespace {

constexpr std::uint64_t model_limit = 64ull << 20;

std::string digest_of(const snapshot::TreeView& view, const FileEntry& file) {
  digest::Sha256 hash;
  const auto source = view.open(file);
  base::drain(*source, [&](base::ConstBytes piece) { hash.update(piece); });
  return digest::hex(hash.finish());
}

}  // namespace

Oid blob_id(std::string_view bytes) {
  return digest::Sha1()
      .update("blob " + std::to_string(bytes.size()))
      .update(std::string_view("\0", 1))
      .update(bytes)
      .finish();
}

bool has_bytes(const snapshot::TreeView& view, const FileEntry& file, std::string_view bytes) {
  if (file.size != bytes.size()) return false;
  if (!file.chunked) return file.id == blob_id(bytes);
  snapshot::ChunkWalk chunks = view.chunks(file);
  while (const auto chunk = chunks.next())
    if (chunk->id != blob_id(bytes.substr(chunk->offset, chunk->size))) return false;
  return true;
}

std::optional<std::vector<Resource>> own_model(const snapshot::TreeView& view, const FileEntry& file,
                                               const CaptureMemory& memory) {
  const auto path = metamodel::model_path(file.path);
  const auto text = path ? view.own_file(*path, model_limit) : std::nullopt;
  if (!text || !memory.made(file.id, blob_id(*text))) return std::nullopt;
  return metamodel::decode(*text, file.path).reading.resources;
}

std::string load(const snapshot::TreeView& view, const FileEntry& file) {
  const auto source = view.open(file);
  if (file.size >= reading::size_limit) return base::read_all(*source, reading::size_limit);
  // One byte more: at its end the source says whether this is what the version names.
  std::string bytes(static_cast<std::size_t>(file.size) + 1, '\0');
  const std::size_t got = base::read_fully(*source, std::as_writable_bytes(std::span(bytes)));
  if (got > file.size) throw Error(ErrorCode::corrupt, quote(file.path.str()) + " is longer than its version says");
  bytes.resize(got);
  return bytes;
}

StateReading read_again(const snapshot::TreeView& view, const FileEntry& file) {
  if (file.size > reading::size_limit) return reading::unread(file.path, file.size, digest_of(view, file));
  return reading::read_state_file(load(view, file), file.path).reading;
}

StateReading reading_of(const snapshot::TreeView& view, const FileEntry& file) {
  const auto path = metamodel::model_path(file.path);
  if (path) {
    try {
      if (const auto text = view.own_file(*path, model_limit)) {
        metamodel::ModelFile model = metamodel::decode(*text, file.path);
        if (model.rules == metamodel::Rules::built_in().number() && model.reading.bytes == file.size)
          return std::move(model.reading);
      }
    } catch (const Error& error) {
      // Not one that we write: the file itself has the last word.
      if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::incompatible &&
          error.code() != ErrorCode::refused)
        throw;
    }
  }
  return read_again(view, file);
}

}  // namespace pod::flow
