import AFSControl
import Testing

@testable import afsfuse

@Suite struct StatusTextTests {
  @Test("A mount's status for people")
  func text() {
    var status = MountStatus(
      mountPoint: "/afs", processID: 42, isReadOnly: true, uptime: 3 * 3600 + 125, callbackPort: 7001)
    status.cells = [
      .init(name: "example.com", servers: [.init(address: "10.0.0.1:7003", role: "volume location", isUp: nil)])
    ]
    status.servers = [
      .init(address: "10.0.0.2:7000", role: "file", isUp: true),
      .init(address: "10.0.0.3:7000", role: "file", isUp: false),
    ]
    status.volumes = [.init(cell: "example.com", name: "root.cell", id: 7)]
    status.counts = [.init("vnodes", 3), .init("calls in flight", 12)]
    #expect(
      StatusText(status).text == """
        /afs  (process 42, up 3 h 2 min, callback port 7001, read-only)
          cell example.com
            10.0.0.1:7003  volume location server
          fileservers
            10.0.0.2:7000  file server  up
            10.0.0.3:7000  file server  DOWN
          volumes
            example.com  root.cell  7
          vnodes           3
          calls in flight  12
        """)
  }

  @Test("Mounts that no daemon serves, and those that were detached, say so")
  func states() {
    let left = MountStatus(mountPoint: "/afs", state: .abandoned, owner: 0)
    #expect(StatusText(left).text.contains("no daemon answers"))
    #expect(StatusText(left).text.contains("'afsfuse unmount /afs' ends the mount"))
    let silent = MountStatus(mountPoint: "/afs", state: .silent, owner: 0)
    #expect(StatusText(silent).text.contains("its daemon does not answer"))
    #expect(!StatusText(silent).text.contains("gone"))
    #expect(StatusText(silent).text.contains("'afsfuse unmount --lazy /afs' detaches the mount"))
    let other = MountStatus(mountPoint: "/afs", state: .otherProgram, owner: 0)
    #expect(StatusText(other).text.contains("served by another program"))
    let foreign = MountStatus(mountPoint: "/home/x/afs", state: .foreign, owner: 0)
    #expect(StatusText(foreign).text == "/home/x/afs  (mounted by root)")
    var detached = MountStatus(mountPoint: "/m", processID: 1, isReadOnly: false, uptime: 3, callbackPort: 7001)
    detached.state = .detached
    #expect(StatusText(detached).text.contains("detached: ends with its last user"))
    #expect(detached.json["state"]?.string == "detached")
  }

  @Test("An ended token says what to do, and that changes wait, where some do", arguments: ["expired", "refused"])
  func ended(state: String) {
    var status = MountStatus(mountPoint: "/afs", processID: 1, isReadOnly: false, uptime: 3, callbackPort: 7001)
    status.tokens = [
      TokenStatus(
        cell: "example.com", state: state, principal: "alice@EXAMPLE.COM", viceID: nil, expires: 1, source: "", user: 1,
        trouble: nil)
    ]
    status.counts = [.init("dirty files", 0)]
    #expect(StatusText(status).text.contains("run kinit, or afsfuse aklog\n"))
    status.counts = [.init("dirty files", 2)]
    #expect(StatusText(status).text.contains("aklog; what is not stored waits for the next token\n"))
  }
}
