package import AFSClient

/// Operations on names.
extension Client {
  package func makeDirectory(_ path: String) async throws(AFSError) {
    let (directory, name) = try await parent(path)
    defer { kernel.changed(name, in: directory) }
    _ = try await fileSystem.makeDirectory(name, in: directory, permissions: 0o755, as: identity)
  }

  package func makeSymbolicLink(_ path: String, to target: String) async throws(AFSError) {
    let (directory, name) = try await parent(path)
    defer { kernel.changed(name, in: directory) }
    _ = try await fileSystem.makeSymbolicLink(name, in: directory, target: Array(target.utf8), as: identity)
  }

  package func readSymbolicLink(_ path: String) async throws(AFSError) -> String {
    String(decoding: try await fileSystem.readSymbolicLink(try await node(path), as: identity), as: UTF8.self)
  }

  package func link(_ path: String, as newPath: String) async throws(AFSError) {
    let file = try await node(path)
    let (directory, name) = try await parent(newPath)
    if try await lookup(name, in: directory) != nil { throw .alreadyExists }
    defer {
      kernel.changed(name, in: directory)
      kernel.forgetAttributes(of: file)
    }
    _ = try await fileSystem.makeLink(name, in: directory, to: file, as: identity)
  }

  package func remove(_ path: String) async throws(AFSError) {
    let (directory, name) = try await parent(path)
    // The kernel looks the name up before it asks to remove it.
    guard let entry = try await lookup(name, in: directory) else { throw .notFound }
    defer {
      kernel.changed(name, in: directory)
      kernel.forgetAttributes(of: entry.node)
    }
    try await fileSystem.removeFile(name, in: directory, as: identity)
  }

  package func removeDirectory(_ path: String) async throws(AFSError) {
    let (directory, name) = try await parent(path)
    defer { kernel.changed(name, in: directory) }
    try await fileSystem.removeDirectory(name, in: directory, as: identity)
  }

  package func rename(_ path: String, to newPath: String, replacing: Bool = true) async throws(AFSError) {
    let (directory, name) = try await parent(path)
    let (newDirectory, newName) = try await parent(newPath)
    let replaced = try await lookup(newName, in: newDirectory)
    defer {
      kernel.changed(name, in: directory)
      kernel.changed(newName, in: newDirectory)
      if let replaced { kernel.forgetAttributes(of: replaced.node) }
    }
    try await fileSystem.rename(
      name, in: directory, to: newName, in: newDirectory, replacing: replacing, as: identity)
  }

  package func setAttributes(_ path: String, _ change: AttributeChange) async throws(AFSError) {
    let node = try await node(path)
    defer {
      if let size = change.size { kernel.resized(node, to: Int(size)) }
      kernel.forgetAttributes(of: node)
    }
    _ = try await fileSystem.setAttributes(of: node, change, file: nil, as: identity)
  }
}
