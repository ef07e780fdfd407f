import Testing

@testable import AFSControl

@Suite struct ConnectionQuotaTests {
  @Test("One user's connections are bounded, and leave the others theirs")
  func oneUser() {
    var quota = ConnectionQuota(owner: 1000)
    for _ in 0..<ConnectionQuota.userMax { #expect(quota.admit(1001) == true) }
    #expect(quota.admit(1001) == false)
    #expect(quota.admit(1002) == true)
    quota.release(1001)
    #expect(quota.admit(1001) == true)
    #expect(quota.admit(1001) == false)
  }

  @Test("All other users together do not keep out the owner and root")
  func everybody() {
    var quota = ConnectionQuota(owner: 1000)
    var admitted = 0
    for user in UInt32(2000)..<2100 {
      while quota.admit(user) { admitted += 1 }
    }
    #expect(admitted == ConnectionQuota.othersMax)
    #expect(quota.admit(3000) == false)
    for user in [UInt32(0), 1000] {
      for _ in 0..<ConnectionQuota.userMax { #expect(quota.admit(user) == true) }
      #expect(quota.admit(user) == false)
    }
    quota.release(2000)
    #expect(quota.admit(3000) == true)
  }

  @Test("What was never admitted releases nothing")
  func unknown() {
    var quota = ConnectionQuota(owner: 1000)
    quota.release(1001)
    for _ in 0..<ConnectionQuota.userMax { #expect(quota.admit(1001) == true) }
    #expect(quota.admit(1001) == false)
  }
}
