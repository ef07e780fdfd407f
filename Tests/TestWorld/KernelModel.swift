import AFSBase
package import AFSClient
import RxTransport
import Synchronization

/// What a kernel keeps of a mounted file system, and forgets when it is told to: names, attributes, pages. Records
/// what it was told.
package final class KernelModel: InvalidationSink {
  private struct Name: Hashable {
    var directory: NodeKey
    var name: [UInt8]
  }

  private struct State {
    var names: [Name: (entry: NodeEntry?, end: MonotonicTime)] = [:]
    var attributes: [NodeKey: (attributes: Attributes, end: MonotonicTime)] = [:]
    /// Whole files.
    var pages: [NodeKey: [UInt8]] = [:]
    /// How often a file's contents were invalidated: what was read before is not kept after.
    var generations: [FileKey: Int] = [:]
    var recorded: [Invalidation] = []
  }

  private let timer: any RxTimer
  private let isCaching: Bool
  private let state = Mutex(State())

  init(timer: any RxTimer, isCaching: Bool) {
    self.timer = timer
    self.isCaching = isCaching
  }

  // MARK: Invalidations

  package func invalidate(_ invalidation: Invalidation) {
    state.withLock { state in
      state.recorded.append(invalidation)
      switch invalidation {
      case .attributes(let key):
        state.attributes = state.attributes.filter { $0.key.file != key }
      case .contents(let key):
        state.attributes = state.attributes.filter { $0.key.file != key }
        state.pages = state.pages.filter { $0.key.file != key }
        state.generations[key, default: 0] += 1
      case .names(let directory):
        state.names = state.names.filter { $0.key.directory.file != directory }
      case .name(let name, let directory):
        state.names = state.names.filter { $0.key.directory.file != directory || $0.key.name != name }
      }
    }
  }

  package func settle(within limit: Duration) async {}

  /// What was invalidated since the last time that somebody asked.
  package func takeInvalidations() -> [Invalidation] {
    state.withLock { state in
      defer { state.recorded = [] }
      return state.recorded
    }
  }

  // MARK: Names

  /// `.some(nil)` for a name that is remembered to mean nothing.
  func entry(_ name: [UInt8], in directory: any Node) -> NodeEntry?? {
    let now = timer.now
    return state.withLock { state in
      guard let known = state.names[Name(directory: directory.key, name: name)], known.end > now else { return nil }
      return .some(known.entry)
    }
  }

  func remember(_ name: [UInt8], in directory: any Node, _ lookup: Lookup) {
    switch lookup {
    case .found(let entry):
      remember(name, in: directory, entry, entry.entryValidity)
      remember(entry.node, NodeAttributes(attributes: entry.attributes, validity: entry.attributeValidity))
    case .absent(let validity): remember(name, in: directory, nil, validity)
    }
  }

  private func remember(_ name: [UInt8], in directory: any Node, _ entry: NodeEntry?, _ validity: Duration) {
    guard isCaching, validity > .zero else { return }
    let end = timer.now + validity
    state.withLock { $0.names[Name(directory: directory.key, name: name)] = (entry, end) }
  }

  /// A name was made, removed or moved by this host: what it meant is void, and the directory's attributes too.
  func changed(_ name: [UInt8], in directory: any Node) {
    state.withLock { state in
      state.names[Name(directory: directory.key, name: name)] = nil
      state.attributes[directory.key] = nil
    }
  }

  // MARK: Attributes

  func attributes(of node: any Node) -> Attributes? {
    let now = timer.now
    return state.withLock { state in
      guard let known = state.attributes[node.key], known.end > now else { return nil }
      return known.attributes
    }
  }

  func remember(_ node: any Node, _ attributes: NodeAttributes) {
    guard isCaching, attributes.validity > .zero else { return }
    let end = timer.now + attributes.validity
    state.withLock { $0.attributes[node.key] = (attributes.attributes, end) }
  }

  func forgetAttributes(of node: any Node) {
    state.withLock { $0.attributes[node.key] = nil }
  }

  // MARK: Pages

  /// - Parameter keeps: what the file's `keepsKernelPages` said at the open.
  func opened(_ node: any Node, keeps: Bool) {
    guard !keeps else { return }
    state.withLock { $0.pages[node.key] = nil }
  }

  func pages(of node: any Node) -> [UInt8]? {
    state.withLock { $0.pages[node.key] }
  }

  func generation(of node: any Node) -> Int {
    state.withLock { $0.generations[node.key.file] ?? 0 }
  }

  /// - Parameter generation: as it was before the pages were read.
  func remember(_ node: any Node, pages: [UInt8], generation: Int) {
    guard isCaching else { return }
    state.withLock { state in
      guard state.generations[node.key.file] ?? 0 == generation else { return }
      state.pages[node.key] = pages
    }
  }

  /// Written bytes go to the pages as well.
  func wrote(_ bytes: [UInt8], at offset: Int, to node: any Node) {
    state.withLock { state in
      state.attributes[node.key] = nil
      guard var pages = state.pages[node.key] else { return }
      if pages.count < offset + bytes.count {
        pages += [UInt8](repeating: 0, count: offset + bytes.count - pages.count)
      }
      pages.replaceSubrange(offset..<offset + bytes.count, with: bytes)
      state.pages[node.key] = pages
    }
  }

  func resized(_ node: any Node, to size: Int) {
    state.withLock { state in
      state.attributes[node.key] = nil
      guard let pages = state.pages[node.key] else { return }
      state.pages[node.key] = Array(pages.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - pages.count))
    }
  }
}
