public import AFSTypes
public import RxCore

/// How a client is set up. What is not said has the default.
public struct AFSClientConfiguration: Sendable {
  /// A cell whose database servers are known from the start.
  public struct KnownCell: Sendable, Hashable {
    public var name: CellName
    /// The volume location servers, with their port (7003).
    public var locationServers: [RxAddress]

    public init(name: CellName, locationServers: [RxAddress]) {
      self.name = name
      self.locationServers = locationServers
    }
  }

  /// What the mount shows at its top.
  public enum Root: Sendable, Hashable {
    /// All cells by name.
    case dynamic
    /// A volume of the local cell, by name or number.
    case volume(String)
  }

  /// An interface of this host, for servers which ask how to reach us.
  public struct Interface: Sendable, Hashable {
    /// In host order.
    public var address: UInt32
    public var netmask: UInt32
    public var mtu: UInt32

    public init(address: UInt32, netmask: UInt32, mtu: UInt32) {
      self.address = address
      self.netmask = netmask
      self.mtu = mtu
    }
  }

  /// The cell that `@cell` and volumes without a cell name mean.
  public var localCell: CellName?
  public var cells: [KnownCell]
  public var root = Root.dynamic
  /// Several local users see this mount: the kernel may cache only what every user may see.
  public var isShared = false
  public var isReadOnly = false
  /// Values of `@sys`, in the order in which they are tried.
  public var systemNames: [String] = []
  /// Shown as the owner of files which belong to nobody in particular for the server (the anonymous user), and of
  /// names that the client makes up. On a mount of one's own these files are one's own.
  public var ownerUID: UInt32 = 0
  public var ownerGID: UInt32 = 0
  /// Vnodes kept in memory beyond those that the kernel holds.
  public var vnodeCountMax = 200_000
  /// Memory for directory contents.
  public var directoryBytesMax = 64 << 20
  /// How many mount points one may lie below another before they are taken for a loop. Linux allows 40 symbolic
  /// links in a path; paths of 4096 bytes can't be deeper than 2048 names.
  public var mountDepthMax = 128
  /// How long the answer to a callback break waits for the kernel to have heard of it: long enough for a kernel that is
  /// not stuck in a request of its own, short enough for a server which holds the file meanwhile
  /// (Docs/decisions/0003-a-break-waits-briefly-for-the-kernel.md).
  public var settleTime = Duration.milliseconds(10)
  /// Our addresses; asked whenever a server wants to know.
  public var interfaces: @Sendable () -> [Interface] = { [] }

  public init(localCell: CellName? = nil, cells: [KnownCell] = []) {
    self.localCell = localCell
    self.cells = cells
  }
}
