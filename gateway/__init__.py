"""yrd: the 长三角一卡通 interoperability gateway."""
