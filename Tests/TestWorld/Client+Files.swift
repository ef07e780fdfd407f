package import AFSClient

/// Operations on files' contents.
extension Client {
  package func open(
    _ path: String, reads: Bool = true, writes: Bool = false, truncates: Bool = false
  ) async throws(AFSError) -> OpenedFile {
    let node = try await node(path)
    let access = OpenAccess(reads: reads, writes: writes, truncates: truncates)
    let file: any OpenFile
    if let cached = fileSystem.cachedOpen(node, access: access, as: identity) {
      file = try cached.get()
    } else {
      file = try await fileSystem.open(node, access: access, as: identity)
    }
    kernel.opened(node, keeps: file.keepsKernelPages)
    if truncates { kernel.resized(node, to: 0) }
    return OpenedFile(file, client: self)
  }

  /// Creates a file, or opens it when it exists.
  package func create(
    _ path: String, exclusive: Bool = false, truncates: Bool = false
  ) async throws(AFSError) -> OpenedFile {
    let (directory, name) = try await parent(path)
    if !exclusive, try await lookup(name, in: directory) != nil {
      return try await open(path, writes: true, truncates: truncates)
    }
    kernel.changed(name, in: directory)
    let (entry, file) = try await fileSystem.create(
      name, in: directory, permissions: 0o644, exclusive: exclusive,
      access: OpenAccess(reads: true, writes: true, truncates: truncates), as: identity)
    kernel.remember(name, in: directory, .found(entry))
    kernel.opened(entry.node, keeps: file.keepsKernelPages)
    if truncates { kernel.resized(entry.node, to: 0) }
    return OpenedFile(file, client: self)
  }

  /// Makes `bytes` the whole content of a file, as `cp` does: open, write, close.
  package func write(_ path: String, _ bytes: [UInt8]) async throws(AFSError) {
    let file = try await create(path, truncates: true)
    try await file.finish { () async throws(AFSError) in try await file.write(bytes, at: 0) }
  }

  package func write(_ path: String, _ text: String) async throws(AFSError) {
    try await write(path, Array(text.utf8))
  }

  /// Writes into an existing file.
  package func overwrite(_ path: String, _ bytes: [UInt8], at offset: Int) async throws(AFSError) {
    let file = try await open(path, writes: true)
    try await file.finish { () async throws(AFSError) in try await file.write(bytes, at: offset) }
  }

  package func read(_ path: String) async throws(AFSError) -> [UInt8] {
    let file = try await open(path)
    do {
      let bytes = try await file.readAll()
      await file.close()
      return bytes
    } catch {
      await file.close()
      throw error
    }
  }

  package func readText(_ path: String) async throws(AFSError) -> String {
    String(decoding: try await read(path), as: UTF8.self)
  }
}

/// An open file as a program uses it.
package final class OpenedFile: Sendable {
  package let file: any OpenFile
  private let client: Client

  init(_ file: any OpenFile, client: Client) {
    self.file = file
    self.client = client
  }

  package func write(_ bytes: [UInt8], at offset: Int) async throws(AFSError) {
    // Such a write does not leave the kernel.
    if bytes.isEmpty { return }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    let source = UnsafeRawBufferPointer(buffer)
    if let cached = file.cachedWrite(at: UInt64(offset), source) {
      try cached.get()
    } else {
      try await file.write(at: UInt64(offset), source)
    }
    client.kernel.wrote(bytes, at: offset, to: file.node)
  }

  package func read(at offset: Int, count: Int) async throws(AFSError) -> [UInt8] {
    if let pages = client.kernel.pages(of: file.node) { return Array(pages.dropFirst(offset).prefix(count)) }
    return try await readThrough(at: offset, count: count)
  }

  /// Past the kernel's pages.
  package func readThrough(at offset: Int, count: Int) async throws(AFSError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 8)
    defer { buffer.deallocate() }
    let read: Int
    if let cached = file.cachedRead(at: UInt64(offset), into: buffer) {
      read = try cached.get()
    } else {
      read = try await file.read(at: UInt64(offset), into: buffer)
    }
    return Array(buffer[..<read])
  }

  package func readAll() async throws(AFSError) -> [UInt8] {
    if let pages = client.kernel.pages(of: file.node) { return pages }
    let generation = client.kernel.generation(of: file.node)
    var bytes: [UInt8] = []
    while true {
      let piece = try await readThrough(at: bytes.count, count: 1 << 20)
      if piece.isEmpty { break }
      bytes += piece
    }
    client.kernel.remember(file.node, pages: bytes, generation: generation)
    return bytes
  }

  package func truncate(to size: Int) async throws(AFSError) {
    defer { client.kernel.resized(file.node, to: size) }
    _ = try await client.fileSystem.setAttributes(
      of: file.node, AttributeChange(size: UInt64(size)), file: file, as: client.identity)
  }

  /// What close(2) does for the program: it waits for this, and gets its error.
  package func flush() async throws(AFSError) {
    if let cached = file.cachedFlush() { return try cached.get() }
    try await file.flush()
  }

  package func synchronize() async throws(AFSError) { try await file.synchronize() }

  package func close() async { await file.close() }

  /// Runs `body`, then closes; the first error counts.
  func finish(_ body: () async throws(AFSError) -> Void) async throws(AFSError) {
    do {
      try await body()
      try await flush()
    } catch {
      await close()
      throw error
    }
    await close()
  }
}
