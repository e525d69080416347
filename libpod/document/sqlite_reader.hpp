// SQLite databases to graphs: table → key → row → value. Nothing in the database is run: no trigger, view, virtual
// table, generated column or function of its schema.
//
// A row's key is what its table declares as primary key, else the first unique index without NULLs, else the digest of
// the row; an integer primary key called `id`, `_id`, `pk` or `rowid` that no foreign key refers to is a number that
// the database gave, so such a row counts by its content and the number is left out. A key that is there again has `#2`
// behind it. Keys are texts: numbers in decimal, texts and printable blobs as they are, other blobs as x'00ff'; of
// several columns 'a',1,x'00'.
//
// Cells that hold a JSON object or array (DynamoDB Local's ObjectJSON and TableInfo) become what they say.
#pragma once

#include "document/graph.hpp"

#include <string>
#include <string_view>

namespace pod::document {

/// Error(corrupt) for what SQLite cannot read; Error(refused) past a limit, or for a schema with something in it that
/// would have to be run. Memory: the file twice at most, and the graph.
Graph read_sqlite(std::string file, std::string_view what, const Limits& limits = {});

}  // namespace pod::document
