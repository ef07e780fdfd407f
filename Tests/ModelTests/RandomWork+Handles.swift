import AFSBase
import AFSClient
import TestWorld
import Testing

/// Files that stay open over several operations.
extension RandomWork {
  mutating func useHandle() async throws {
    guard !handles.isEmpty, number(0..<4) > 0 || handles.count >= 4 else { return try await open() }
    let handle = handles[number(0..<handles.count)]
    switch number(0..<8) {
    case 0..<3 where handle.writes: try await write(handle)
    case 3 where handle.writes: try await truncate(handle)
    case 4: try await flush(handle)
    case 5: try await close()
    default: try await read(handle)
    }
  }

  private mutating func open() async throws {
    let (path, writes, client) = (likelyFile(), Bool.random(using: &random), client)
    var file: OpenedFile?
    try await both("open \(path)\(writes ? " for writing" : "")") { (tree) throws(AFSError) in
      try tree.requireFile(try tree.find(path))
    } _: {
      file = try await client.open(path, writes: writes)
    }
    if let file { handles.append(Handle(file: file, id: try tree.find(path), writes: writes)) }
  }

  private mutating func write(_ handle: Handle) async throws {
    let (content, offset) = (bytes(), number(0..<30_000))
    if content.isEmpty { return }
    try await both("write file \(handle.id), \(content.count) bytes at \(offset)") { (tree) throws(AFSError) in
      tree[handle.id].local = FileTree.changed(tree[handle.id].shown, writing: content, at: offset)
    } _: {
      try await handle.file.write(content, at: offset)
    }
  }

  private mutating func truncate(_ handle: Handle) async throws {
    let size = number(0..<30_000)
    try await both("truncate file \(handle.id) to \(size)") { (tree) throws(AFSError) in
      tree[handle.id].local = FileTree.resized(tree[handle.id].shown, to: size)
    } _: {
      try await handle.file.truncate(to: size)
    }
  }

  private mutating func flush(_ handle: Handle) async throws {
    let isDurable = Bool.random(using: &random)
    try await both("\(isDurable ? "fsync" : "flush") file \(handle.id)") { (tree) throws(AFSError) in
      // Who has not written is told nothing of what others could not store: only writers' closes store.
      if handle.writes || isDurable { tree.store(handle.id) }
    } _: {
      if isDurable { try await handle.file.synchronize() } else { try await handle.file.flush() }
    }
  }

  private mutating func read(_ handle: Handle) async throws {
    let (offset, count) = (number(0..<30_000), number(1..<30_000))
    history.append("read file \(handle.id), \(count) bytes at \(offset)")
    let seen = try await handle.file.read(at: offset, count: count)
    let expected = Array(tree[handle.id].shown.dropFirst(offset).prefix(count))
    if let difference = difference(seen, expected) { throw Difference("file \(handle.id): \(difference)") }
  }

  mutating func close() async throws {
    let handle = handles.remove(at: number(0..<handles.count))
    let isLast = !handles.contains { $0.id == handle.id }
    try await both("close file \(handle.id)") { (tree) throws(AFSError) in
      if handle.writes { tree.store(handle.id) }
      if isLast { tree.closed(handle.id) }
    } _: {
      try await handle.file.flush()
      await handle.file.close()
    }
  }
}
