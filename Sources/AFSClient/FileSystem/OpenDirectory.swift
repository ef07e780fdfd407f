/// An open directory: a snapshot of its names, taken at open or at the rewind to the start.
public protocol OpenDirectory: AnyObject, Sendable {
  /// The listing's data version is the one that the kernel's readdir cache was filled from.
  var keepsKernelListing: Bool { get }

  /// Entry number `index`, counted from 0 (`.` and `..` are 0 and 1); nil past the end.
  func item(at index: Int) -> DirectoryItem?

  /// The node of entry `index` with its attributes, for READDIRPLUS; nil when its status is not known (the
  /// kernel then asks by name). Does not wait.
  func entry(at index: Int) -> NodeEntry?

  /// Fetches the status of entries from `index` on, about `count`, in bulk. Failures of single entries leave
  /// their `entry` nil.
  func prepareEntries(from index: Int, count: Int) async throws(AFSError)
}

public struct DirectoryItem: Hashable, Sendable {
  public var name: [UInt8]
  public var fileID: UInt64
  /// nil when it is not known whether it is a file or a symbolic link.
  public var kind: Attributes.Kind?

  public init(name: [UInt8], fileID: UInt64, kind: Attributes.Kind?) {
    self.name = name
    self.fileID = fileID
    self.kind = kind
  }
}
