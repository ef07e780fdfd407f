public import AFSCredentials

/// A file system as a front end uses it: AFS, or the small in-memory one that tests use.
///
/// Methods named `cached...` never wait and never do I/O beyond the local cache: they answer nil when the
/// answer must be asked for, and then the `async` method of the same purpose is called in a task. A task that is
/// cancelled ends its operation with `.interrupted`.
///
/// Names are bytes, not text: AFS stores what it is given (255 bytes at most, no `/`, no NUL).
public protocol FileSystem: AnyObject, Sendable {
  /// The node at the mount's root.
  var root: any Node { get }

  // MARK: Names

  func cachedLookup(_ name: [UInt8], in directory: any Node, as identity: Identity) -> Result<Lookup, AFSError>?
  func lookup(
    _ name: [UInt8], in directory: any Node, as identity: Identity
  ) async throws(AFSError) -> Lookup

  func create(
    _ name: [UInt8], in directory: any Node, permissions: UInt16, exclusive: Bool, access: OpenAccess,
    as identity: Identity
  ) async throws(AFSError) -> (NodeEntry, any OpenFile)
  func makeDirectory(
    _ name: [UInt8], in directory: any Node, permissions: UInt16, as identity: Identity
  ) async throws(AFSError) -> NodeEntry
  func makeSymbolicLink(
    _ name: [UInt8], in directory: any Node, target: [UInt8], as identity: Identity
  ) async throws(AFSError) -> NodeEntry
  func makeLink(
    _ name: [UInt8], in directory: any Node, to file: any Node, as identity: Identity
  ) async throws(AFSError) -> NodeEntry
  func removeFile(_ name: [UInt8], in directory: any Node, as identity: Identity) async throws(AFSError)
  func removeDirectory(_ name: [UInt8], in directory: any Node, as identity: Identity) async throws(AFSError)
  /// - Parameter replacing: false is RENAME_NOREPLACE.
  func rename(
    _ name: [UInt8], in directory: any Node, to newName: [UInt8], in newDirectory: any Node, replacing: Bool,
    as identity: Identity
  ) async throws(AFSError)

  // MARK: Attributes

  func cachedAttributes(of node: any Node, as identity: Identity) -> Result<NodeAttributes, AFSError>?
  func attributes(of node: any Node, as identity: Identity) async throws(AFSError) -> NodeAttributes
  /// - Parameter file: the open file when the change comes from `ftruncate` or `fchmod`.
  func setAttributes(
    of node: any Node, _ change: AttributeChange, file: (any OpenFile)?, as identity: Identity
  ) async throws(AFSError) -> NodeAttributes
  func readSymbolicLink(_ node: any Node, as identity: Identity) async throws(AFSError) -> [UInt8]
  /// `access(2)`: throws `.accessDenied` or `.readOnly` when one of the asked rights is missing.
  func checkAccess(
    to node: any Node, reading: Bool, writing: Bool, executing: Bool, as identity: Identity
  ) async throws(AFSError)
  /// Default: nil, always ask.
  func cachedAccess(
    to node: any Node, reading: Bool, writing: Bool, executing: Bool, as identity: Identity
  ) -> Result<Void, AFSError>?
  func statistics(of node: any Node, as identity: Identity) async throws(AFSError) -> VolumeStatistics
  func extendedAttributeNames(of node: any Node) -> [String]
  /// Values of `afs.cell`, `afs.fid`, `afs.volume`, `afs.acl` (kAFS's names).
  func extendedAttribute(
    _ name: String, of node: any Node, as identity: Identity
  ) async throws(AFSError) -> [UInt8]
  func setExtendedAttribute(
    _ name: String, of node: any Node, to value: [UInt8], as identity: Identity
  ) async throws(AFSError)

  // MARK: Contents

  func cachedOpen(_ node: any Node, access: OpenAccess, as identity: Identity) -> Result<any OpenFile, AFSError>?
  func open(_ node: any Node, access: OpenAccess, as identity: Identity) async throws(AFSError) -> any OpenFile
  /// Default: nil, always ask.
  func cachedOpenDirectory(_ node: any Node, as identity: Identity) -> Result<any OpenDirectory, AFSError>?
  func openDirectory(_ node: any Node, as identity: Identity) async throws(AFSError) -> any OpenDirectory

  // MARK: Life

  /// The front end holds no reference to the node any more.
  func forget(_ node: any Node)
  /// Where to announce that something the kernel may have cached is no longer true. Set once, before use.
  func setInvalidationSink(_ sink: any InvalidationSink)
  /// Stores all dirty data, gives up callbacks, ends. Bounded in time; throws the first store that failed.
  func shutDown() async throws(AFSError)
}

extension FileSystem {
  public func cachedAccess(
    to node: any Node, reading: Bool, writing: Bool, executing: Bool, as identity: Identity
  ) -> Result<Void, AFSError>? { nil }

  public func cachedOpenDirectory(_ node: any Node, as identity: Identity) -> Result<any OpenDirectory, AFSError>? {
    nil
  }
}

/// How a file is opened.
public struct OpenAccess: Hashable, Sendable {
  public var reads: Bool
  public var writes: Bool
  public var truncates: Bool
  public var appends: Bool

  public init(reads: Bool, writes: Bool, truncates: Bool = false, appends: Bool = false) {
    self.reads = reads
    self.writes = writes
    self.truncates = truncates
    self.appends = appends
  }
}

/// A name's meaning, and for how long the kernel may remember it (until an invalidation says otherwise).
public enum Lookup: Sendable {
  case found(NodeEntry)
  case absent(validity: Duration)
}

/// A node with all that the kernel may cache of it.
public struct NodeEntry: Sendable {
  public var node: any Node
  public var attributes: Attributes
  /// How long the name may be cached.
  public var entryValidity: Duration
  public var attributeValidity: Duration

  public init(node: any Node, attributes: Attributes, entryValidity: Duration, attributeValidity: Duration) {
    self.node = node
    self.attributes = attributes
    self.entryValidity = entryValidity
    self.attributeValidity = attributeValidity
  }
}

public struct NodeAttributes: Sendable, Hashable {
  public var attributes: Attributes
  public var validity: Duration

  public init(attributes: Attributes, validity: Duration) {
    self.attributes = attributes
    self.validity = validity
  }
}
